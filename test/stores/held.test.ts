import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HeldBook, HeldRow, HeldText } from '../../src/spec/held.ts'
import type { Outcome } from '../../src/spec/response.ts'
import { forgetHeld, type HeldSettings, openHeld } from '../../src/stores/held.ts'

const CONTENT_KEY = Buffer.alloc(32, 7).toString('base64')
const TEXT: HeldText = { request: { messages: [{ role: 'user', content: 'the plain question' }] } }
const HOUR = 3_600_000

let stateDir = ''
let nowMs = 0
const books: HeldBook[] = []
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'spillway-held-'))
  nowMs = Date.parse('2026-01-01T00:00:00.000Z')
})
afterEach(() => {
  for (const book of books.splice(0)) book.close()
  rmSync(stateDir, { recursive: true, force: true })
})

function open(change: Partial<HeldSettings> = {}): HeldBook {
  const book = openHeld({
    ...{ stateDir, env: { SPILLWAY_CONTENT_KEY: CONTENT_KEY }, epochMs: () => nowMs, holdMs: HOUR, maxWaiting: 100 },
    noticeOf: ({ id, state }) => JSON.stringify({ data: { id, state } }),
    ...change,
  })
  books.push(book)
  return book
}

const OUTCOME = { requestId: 'r', answer: null, decision: { route: 'held' } } as unknown as Outcome

function row(id: string, change: Partial<HeldRow> = {}): HeldRow {
  return {
    ...{ id, state: 'waiting', task: 'triage', taskId: null, tenant: null, key: null, partition: 'internal' },
    ...{ reason: 'hard_stop_access', detail: null, hasText: false, form: 'openai_chat', decision: null, lastTry: null },
    ...{ inputHash: 'sha256:1', scope: null, maxCostUsd: null, held: OUTCOME },
    receivedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + HOUR).toISOString(),
    ...change,
  }
}

const said = (action: 'answer' | 'refuse' | 'release') =>
  ({ action, by: 'ann', why: 'x', at: '2026-01-01T00:00:00.000Z', to: null, releasedAs: null }) as const
const bytesOnDisk = (): string =>
  readdirSync(stateDir)
    .map((name) => readFileSync(join(stateDir, name)).toString('latin1'))
    .join()

describe('held requests on disk', () => {
  it('keep their texts and answers encrypted, and a text only until somebody has decided', () => {
    const book = open()
    book.put(row('a', { hasText: true }), TEXT)
    const kept = book.find('a')
    expect(kept).toMatchObject({ state: 'waiting', hasText: true })
    expect(kept && book.text(kept)).toEqual(TEXT)
    const answer = { ...OUTCOME, answer: 'the plain answer' }
    expect(book.change('a', ['waiting'], { state: 'answered', decision: said('answer'), answer })).toBe(true)
    const decided = book.find('a')
    expect(decided).toMatchObject({ state: 'answered', hasText: false, decision: { by: 'ann' } })
    expect(decided && [book.text(decided), book.answer(decided)]).toEqual([null, answer])
    expect(book.change('a', ['waiting'], { state: 'refused', decision: said('refuse') })).toBe(false)
    book.put(row('b'), null)
    book.change('b', ['waiting'], { state: 'answered', decision: said('answer'), answer })
    const other = book.find('b')
    expect(other && book.answer(other)).toEqual(answer)
    expect(bytesOnDisk()).not.toContain('the plain')
    expect(readdirSync(stateDir).map((name) => statSync(join(stateDir, name)).mode & 0o077)).not.toContain(0o044)
  })

  it('are read with the key that they were written with, and by no other', () => {
    open().put(row('a', { hasText: true }), TEXT)
    const other = open({ env: { SPILLWAY_CONTENT_KEY: Buffer.alloc(32, 8).toString('base64') } })
    const found = other.find('a')
    expect(() => found && other.text(found)).toThrow('they were encrypted with another key')
    const none = open({ env: {} })
    expect(() => found && none.text(found)).toThrow('SPILLWAY_CONTENT_KEY is not set')
    expect(() => none.put(row('b', { hasText: true }), TEXT)).toThrow('SPILLWAY_CONTENT_KEY is not set')
    expect(none.find('b')).toBeNull()
  })

  it('expire, lose their text with it, and are gone after as long again', () => {
    const book = open()
    book.put(row('a', { hasText: true }), TEXT)
    book.put(row('b'), null)
    book.change('b', ['waiting'], { state: 'refused', decision: said('refuse') })
    nowMs += HOUR - 1
    expect(book.waiting()).toBe(1)
    nowMs += 1
    expect(book.waiting()).toBe(0)
    expect(book.find('a')).toMatchObject({ state: 'expired', hasText: false })
    expect(book.find('b')).toBeNull()
    nowMs += HOUR
    expect(book.list({})).toEqual([])
  })

  it('are one for each id, and no more than so many for one key and tenant', () => {
    const book = open({ maxWaiting: 2 })
    expect(book.put(row('a', { key: 'k', tenant: 't' }), null)).toBe(true)
    expect(book.put(row('a', { key: 'other' }), null)).toBe(false)
    expect(book.put(row('b', { key: 'k', tenant: 't' }), null)).toBe(true)
    expect(book.put(row('c', { key: 'k', tenant: 't' }), null)).toBe(false)
    expect(book.put(row('c', { key: 'k', tenant: 'u' }), null)).toBe(true)
    const ids = (query: Parameters<HeldBook['list']>[0]) => book.list(query).map(({ id }) => id)
    expect(ids({ key: 'k' })).toEqual(['a', 'b', 'c'])
    expect(ids({ key: 'other' })).toEqual([])
    expect(ids({ states: ['refused'] })).toEqual([])
    expect(ids({ task: 'triage', limit: 1 })).toEqual(['a'])
  })

  it('wait again when the process that released them has died, and not before', () => {
    const book = open()
    book.put(row('a'), null)
    expect(book.change('a', ['waiting'], { state: 'releasing' })).toBe(true)
    expect(open().find('a')).toMatchObject({ state: 'releasing' })
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    const raw = new DatabaseSync(join(stateDir, 'held.sqlite'))
    raw.prepare('UPDATE held SET claimed_by = ?').run(pid)
    raw.close()
    expect(book.find('a')).toMatchObject({ state: 'waiting' })
  })

  it('tell each change once to one process at a time, and what a killed one had comes again', () => {
    const book = open()
    book.put(row('a'), null)
    book.change('a', ['waiting'], { state: 'releasing' })
    book.change('a', ['releasing'], { state: 'answered', decision: said('release') })
    const [first, second] = [book.notices.take(1000), open().notices.take(1000)]
    expect([first, second].map((notice) => JSON.parse(notice?.body ?? '').data.state)).toEqual(['waiting', 'answered'])
    expect(book.notices.take(1000)).toBeNull()
    book.notices.delivered(first?.id ?? '')
    nowMs += 1000
    expect(book.notices.take(1000)).toMatchObject({ id: second?.id, tries: 0 })
    book.notices.failed(second?.id ?? '', 'it answered HTTP 500', 5000)
    expect(book.notices.counts()).toEqual({ waiting: 1, givenUp: 0, problem: 'it answered HTTP 500' })
    expect(book.notices.nextInMs()).toBe(5000)
    book.notices.failed(second?.id ?? '', 'it answered HTTP 500', null)
    expect(book.notices.counts()).toEqual({ waiting: 0, givenUp: 1, problem: null })
    nowMs += 8 * 86_400_000
    expect(book.notices.take(1000)).toBeNull()
    expect(book.notices.counts()).toMatchObject({ givenUp: 0 })
  })

  it('are deleted by tenant, by the requests of a person, and by age, with what was to be told of them', () => {
    const book = open()
    for (const [id, tenant] of [
      ['a', 'acme'],
      ['b', 'acme'],
      ['c', 'globex'],
    ] as const)
      book.put(row(id, { tenant }), null)
    const forget = (filter: Parameters<typeof forgetHeld>[1]['filter'], ids: readonly string[] = [], dryRun = false) =>
      forgetHeld(stateDir, { filter, requestIds: new Set(ids) }, dryRun)
    expect(forget({ tenant: 'acme' }, [], true)).toBe(2)
    expect(book.list({})).toHaveLength(3)
    expect(forget({ subject: 'ann' }, ['b', 'elsewhere'])).toBe(1)
    expect(forget({ tenant: 'acme' })).toBe(1)
    expect(forget({ beforeMs: nowMs })).toBe(0)
    expect(forget({ beforeMs: nowMs + 1 })).toBe(1)
    expect(book.list({})).toEqual([])
    expect(book.notices.counts()).toMatchObject({ waiting: 0 })
    expect(forgetHeld(join(stateDir, 'nowhere'), { filter: {}, requestIds: new Set() }, false)).toBe(0)
  })
})
