import { describe, expect, it } from 'vitest'
import { findHardStops } from '../../src/classify/hard-stops.ts'
import { remembered } from '../../src/classify/remembered.ts'
import { policySchema } from '../../src/spec/policy.ts'

function counted(generationChars: number) {
  const read: string[] = []
  const find = remembered((text) => {
    read.push(text)
    return `${text}!`
  }, generationChars)
  return { find, read }
}

describe('what is remembered of texts', () => {
  it('is the same, and is read once', () => {
    const { find, read } = counted(10_000)
    expect([find('a'), find('b'), find('a'), find('b')]).toEqual(['a!', 'b!', 'a!', 'b!'])
    expect(read).toEqual(['a', 'b'])
  })

  it('is forgotten when two generations have gone by', () => {
    const { find, read } = counted(1000)
    for (let at = 0; at < 100; at++) {
      find('asked for often')
      find(`text ${at}`)
    }
    const times = (wanted: string): number => read.filter((text) => text === wanted).length
    expect(times('asked for often')).toBeGreaterThan(1)
    expect(times('asked for often')).toBeLessThan(10)
    find('text 0')
    expect(times('text 0')).toBe(2)
  })

  it('was read elsewhere, of whatever length, and is there for all of a request', () => {
    const { find, read } = counted(1000)
    find('before')
    const texts = Array.from({ length: 20 }, (_, at) => `${at}`.repeat(500))
    find.keep(texts.map((text) => [text, `${text}!`]))
    expect(texts.every((text) => find.knows(text))).toBe(true)
    for (const turn of [1, 2]) for (const text of texts) expect(find(text), `turn ${turn}`).toBe(`${text}!`)
    find('another')
    expect(texts.map(find)).toEqual(texts.map((text) => `${text}!`))
    expect(read).toEqual(['before', 'another'])
  })

  it('is nothing of long texts', () => {
    const { find, read } = counted(1000)
    const long = 'x'.repeat(300)
    expect([find(long), find(long)]).toEqual([`${long}!`, `${long}!`])
    expect(read).toHaveLength(2)
  })

  it('holds no more words than there is room for, and finds a term behind thousands of others', () => {
    const { hardStops } = policySchema.parse({})
    const many = Array.from({ length: 7000 }, (_, at) => `word${at.toString(26)}`).join(' ')
    const hits = findHardStops([{ field: 'f', text: `${many}\nnpm ERR! 403 Forbidden: access denied` }], hardStops)
    expect(hits.map(({ kind }) => kind)).toContain('access')
  })

  it('says nothing of the place: the same text stops in each field, and not where it is an instruction', () => {
    const { hardStops } = policySchema.parse({})
    const text = 'npm ERR! 403 Forbidden: access denied for user deploy'
    const fields = (['conversation', 'instruction', 'conversation'] as const).map((role, at) => ({
      field: `messages[${at}].content`,
      text,
      role,
    }))
    const alone = fields.map((field) => findHardStops([field], hardStops).map(({ kind, term }) => `${kind} ${term}`))
    const together = findHardStops(fields, hardStops)
    for (const [at, { field }] of fields.entries())
      expect(together.filter((hit) => hit.field === field).map(({ kind, term }) => `${kind} ${term}`)).toEqual(
        alone[at],
      )
    expect(alone[0]?.length).toBeGreaterThan(0)
  })
})
