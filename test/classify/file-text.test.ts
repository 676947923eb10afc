import { describe, expect, it } from 'vitest'
import { fileText, isBytes } from '../../src/classify/file-text.ts'

const NOTE = 'Minutes of the meeting: Zoë pays the rent.\r\n'
const base64 = (bytes: Buffer | string): string => Buffer.from(bytes as string).toString('base64')
const PNG = base64(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), Buffer.alloc(400, 'text')]))

describe('a file that is sent as base64', () => {
  it.each([
    ['alone', base64(NOTE)],
    ['in a data address', `data:text/plain;charset=utf-8;base64,${base64(NOTE)}`],
    ['in lines', base64(NOTE).replace(/.{20}/g, '$&\r\n')],
    ['in letters of addresses', Buffer.from(NOTE).toString('base64url')],
    ['that calls itself an image', `data:image/png;base64,${base64(NOTE)}`],
    ['as percents', `data:text/plain,${encodeURIComponent(NOTE)}`],
    ['in UTF-16', base64(Buffer.from(`\ufeff${NOTE}`, 'utf16le'))],
    ['in UTF-16, the other way round', base64(Buffer.from(`\ufeff${NOTE}`, 'utf16le').swap16())],
    ['in Latin letters of one byte', base64(Buffer.from(NOTE, 'latin1'))],
  ])('is read when it is text %s, and can be written anew', (_how, value) => {
    const file = fileText(value)
    expect(file?.text.replace('\ufeff', '')).toBe(NOTE)
    const again = fileText(file?.rewritten?.(file.text.replace('rent', 'rent of [card_1]')) ?? '')
    expect(again?.text.replace('\ufeff', '')).toBe(NOTE.replace('rent', 'rent of [card_1]'))
    expect(isBytes(value)).toBe(false)
  })

  it.each([
    ['an image', PNG],
    ['an image in a data address', `data:image/png;base64,${PNG}`],
  ])('is bytes when it is %s', (_what, value) => {
    expect(fileText(value)).toBeNull()
    expect(isBytes(value)).toBe(true)
  })

  it.each(['getCurrentWeatherForecastForCity', 'A sentence that is nothing but a sentence.', 'data:', '', 'x'])(
    'is not %j',
    (value) => {
      expect(fileText(value)).toBeNull()
      expect(isBytes(value)).toBe(false)
    },
  )

  it('shows of a PDF what stands open: no packed stream, no table of places', () => {
    const pdf = [
      '%PDF-1.4\n%\u00e2\u0001',
      '1 0 obj << /Length 9 /Filter /FlateDecode >>\nstream\nPACKED\nendstream endobj',
      '2 0 obj << /Length 9 >>\nstream\n(OPEN) Tj\nendstream endobj',
      'xref\n0000000017 00000 n \ntrailer << /Author (SOMEBODY) >>',
    ].join('\n')
    const file = fileText(base64(Buffer.from(pdf, 'latin1')))
    expect(file?.rewritten).toBeNull()
    expect(file?.text).toContain('OPEN')
    expect(file?.text).toContain('SOMEBODY')
    expect(file?.text).not.toContain('PACKED')
    expect(file?.text).not.toContain('0000000017')
  })

  it('of many megabytes is told at once', () => {
    const large = Buffer.alloc(24_000_000, 7).toString('base64')
    expect(isBytes(large)).toBe(true)
    expect(fileText(base64('word '.repeat(4_000_000)))?.text).toHaveLength(20_000_000)
  })
})
