import { describe, expect, it } from 'vitest'
import { findHardStops, hardStopReaders } from '../../src/classify/hard-stops.ts'
import { keepReadings, LONG_CHARS, readTexts, unreadForPrivate, unreadTexts } from '../../src/classify/long-texts.ts'
import { findPrivate, privateReader } from '../../src/classify/privacy/find.ts'
import { createTextReader, readLongTexts } from '../../src/pipeline/reading-thread.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'

const LINE = 'npm ERR! 403 Forbidden: token of jane@example.org was denied, card 4111 1111 1111 1111\n'
let texts = 0

/** Texts are remembered for the whole process, so each of a test is new. */
function longText(): string {
  texts += 1
  return `text ${texts} of this file\n${LINE.repeat(Math.ceil(LONG_CHARS / LINE.length))}`
}

const policyOf = (redact: readonly string[] = ['email']) =>
  policySchema.parse({ privacy: { redact, localOnly: { detect: ['card'] } }, hardStops: { access: [...ACCESS] } })
const ACCESS = ['403', { term: 'token', near: ['denied'] }]
const asking = (content: string): RouterRequest => ({ messages: [{ role: 'user', content }] })

describe('texts that take long to read', () => {
  it('are those of a request that holds many characters, wherever they stand', () => {
    const policy = policyOf()
    const argument = longText()
    const described = longText()
    expect(unreadTexts(asking('short'), policy)).toBeNull()
    expect(unreadTexts(asking(longText()), policy)?.texts).toHaveLength(1)
    const call = { id: 'c', name: 'look', arguments: argument }
    const called: RouterRequest = { messages: [{ role: 'assistant', content: '', toolCalls: [call] }] }
    const writings = unreadTexts(called, policy)?.texts.flatMap(({ text, writing }) =>
      text === argument ? [writing] : [],
    )
    expect(writings).toEqual(['text', 'json'])
    const tools = [{ name: 'look', parameters: { properties: { at: { description: described } } } }]
    expect(unreadTexts({ ...asking('short'), tools }, policy)?.texts).toContainEqual({
      text: described,
      role: 'instruction',
      writing: 'text',
    })
    const many = Array.from({ length: 200 }, (_, at) => ({ role: 'user' as const, content: `${at} ${LINE.repeat(2)}` }))
    expect(unreadTexts({ messages: many }, policy)?.texts).toHaveLength(200)
  })

  it('are looked through for every list of kinds that the policy names', () => {
    const { kinds } = unreadTexts(asking(longText()), policyOf(['email', 'phone'])) ?? {}
    expect(kinds).toEqual([['card'], ['secret', 'email', 'phone']])
    const near = policySchema.parse({ cache: { semantic: true } })
    expect(unreadTexts(asking(longText()), near)?.kinds.at(-1)?.length).toBeGreaterThan(5)
  })

  it('are those of a field that masking alone looks at, once', () => {
    const policy = policyOf()
    const field = longText()
    const order = unreadForPrivate(['short', field], ['secret'], policy)
    expect(order?.texts.map(({ role }) => role)).toEqual([null, null])
    if (order) keepReadings(order, readTexts(order))
    expect(unreadForPrivate(['short', field], ['secret'], policy)).toBeNull()
    expect(unreadForPrivate(['short', field], ['email'], policy)).not.toBeNull()
  })

  it('are found in the input of a tool without the escapes of its JSON', () => {
    const policy = policyOf()
    const text = JSON.stringify({ note: longText() }).replace('@', '\\u0040')
    const message = { role: 'assistant' as const, content: '', toolCalls: [{ id: 'c', name: 'look', arguments: text }] }
    const order = unreadTexts({ messages: [message] }, policy)
    if (order) keepReadings(order, readTexts(order))
    expect(unreadTexts({ messages: [message] }, policy)).toBeNull()
    const [first] = privateReader(['secret', 'email'], 'json')(text)
    expect(text.slice(first?.start, first?.end)).toBe('jane\\u0040example.org')
  })

  it('say the same when they are read elsewhere, and are read once', () => {
    const policy = policyOf()
    const text = longText()
    const order = unreadTexts(asking(text), policy)
    expect(order).not.toBeNull()
    if (!order) return
    // What another thread gets and gives is a copy.
    const readings = structuredClone(readTexts(structuredClone(order)))
    expect(readings[0]?.terms.map(({ term }) => term)).toEqual(['403', 'token'])
    expect(readings[0]?.spans.every((spans) => spans.length > 100)).toBe(true)
    const known = hardStopReaders(policy.hardStops).conversation
    expect(known.knows(text)).toBe(false)
    keepReadings(order, readings)
    expect(known.knows(text)).toBe(true)
    expect(unreadTexts(asking(text), policy)).toBeNull()
    expect(findHardStops([{ field: 'f', text }], policy.hardStops).map(({ term }) => term)).toEqual(['403', 'token'])
    expect(findPrivate(text, ['card'])).toBe(readings[0]?.spans[0])
  })
})

describe('the thread that reads them', () => {
  it('hands over what it finds, under the terms of each policy', async () => {
    const reader = createTextReader()
    const [strict, mild] = [policyOf(), policySchema.parse({ hardStops: { access: ['nothing of it'] } })]
    for (const policy of [strict, mild, strict]) {
      const text = longText()
      await readLongTexts(asking(text), { loaded: { policy } as never, textReader: reader })
      expect(hardStopReaders(policy.hardStops).conversation.knows(text)).toBe(true)
      const found = findHardStops([{ field: 'f', text }], policy.hardStops)
      expect(found.map(({ term }) => term)).toEqual(policy === strict ? ['403', 'token'] : [])
    }
    await reader.close()
  })

  it('leaves nobody waiting when it ends, and begins anew for the next text', async () => {
    const reader = createTextReader()
    const policy = policyOf()
    const text = longText()
    const order = unreadTexts(asking(text), policy)
    if (!order) throw new Error('it is not long')
    const reading = reader.read(order)
    await reader.close()
    await reading
    expect(hardStopReaders(policy.hardStops).conversation.knows(text)).toBe(false)
    await readLongTexts(asking(text), { loaded: { policy } as never, textReader: reader })
    expect(hardStopReaders(policy.hardStops).conversation.knows(text)).toBe(true)
    await reader.close()
  })
})
