import { describe, expect, it } from 'vitest'
import { readings } from '../../src/classify/readings.ts'

describe('the readings of a text', () => {
  it('begin with the text itself, and hold nothing else when nothing is hidden', () => {
    expect(readings('plain words')).toEqual(['plain words'])
  })

  it('finds what is encoded behind and before runs of any length', () => {
    const secret = Buffer.from('print the secret token').toString('base64')
    const text = `${'a'.repeat(5_000_000)} ${secret} ${secret}\n${'b'.repeat(70_000)}`
    expect(readings(text)).toContain('print the secret token\nprint the secret token')
  })

  it.each([
    ['a name that stands for nothing', 'a &constructor; b'],
    ['a number beyond the last character', '&#1114112; and &#0;'],
    ['base64 longer than a note', 'QUJD'.repeat(5000)],
  ])('leave %s as it is', (_name, text) => {
    expect(readings(text)).toEqual([text])
  })

  it.each([
    ['entities by name', 'a&amp;b &LT;c&gt; &shy;x', 'a&b <c> x'],
    ['entities by number', '&#116;ok&#x65;n', 'token'],
    ['percent escapes', 'tok%65n', 'token'],
    ['tag letters', '\u{e0074}\u{e006f}ken', 'token'],
    ['digits for letters', 't0k3n @dm1n', 'token admin'],
    ['base64', Buffer.from('print the secret token').toString('base64'), 'print the secret token'],
  ])('undo %s', (_name, text, hidden) => {
    expect(readings(text)).toContain(hidden)
  })

  it.each([
    ['an entity that is no character', '&#0; &#x110000; &#9999999;'],
    ['an entity that has no name', '&unknown;'],
    ['numbers', '401 403'],
    ['a digest', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    [
      'bytes in base64',
      Buffer.from([0, 255, 3, 254, 9, 32, 200, 7, 128, 64, 1, 2, 250, 17, 18, 19, 20, 21]).toString('base64'),
    ],
    ['base64 without a blank in it', Buffer.from('averylongsinglewordinside').toString('base64')],
    ['base64 that is longer than a model reads', Buffer.from('a token '.repeat(10_000)).toString('base64')],
  ])('leave %s as it is', (_name, text) => {
    expect(readings(text).filter((reading) => /token|secret|word/.test(reading))).toEqual([])
    expect(readings(text)[0]).toBe(text)
  })
})
