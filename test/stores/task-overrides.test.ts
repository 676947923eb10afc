import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskOverride } from '../../src/spec/task-override.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { openTaskOverrides } from '../../src/stores/task-overrides.ts'

let folder = ''
let now = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-override-'))
  now = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = () => openTaskOverrides(folder, { monotonicMs: () => now, epochMs: () => now })
const at = (ms: number): string => new Date(ms).toISOString()
const sent = (task: string, until: number): TaskOverride => ({
  ...{ task, key: 'route', value: 'frontier', why: 'complaints', by: 'me', at: at(0), until: at(until) },
})
const stricter = (value: number): TaskOverride => ({
  ...{ task: 'triage', key: 'minConfidence', value, why: 'complaints', by: 'me', at: at(0), until: at(60_000) },
})

describe('what is set aside', () => {
  it('holds for its task in every process within a fifth of a second, and until its time is over', () => {
    const [one, other] = [open(), open()]
    expect(other.inForce('triage')).toEqual([])
    one.set(sent('triage', 60_000))
    expect(one.inForce('triage')).toHaveLength(1)
    now = 200
    expect(other.inForce('triage')).toMatchObject([{ key: 'route', value: 'frontier' }])
    expect(other.inForce('chat')).toEqual([])
    now = 59_999
    expect(other.inForce('triage')).toHaveLength(1)
    now = 60_000
    expect([other.inForce('triage'), open().list()]).toEqual([[], []])
  })

  it('takes the place of one for the same key, is lifted before its time, and says who did what', () => {
    const store = open()
    store.set(stricter(0.8))
    store.set(stricter(0.9))
    store.set(sent('triage', 60_000))
    expect(store.list().map(({ key, value }) => [key, value])).toEqual([
      ['minConfidence', 0.9],
      ['route', 'frontier'],
    ])
    const change = { task: 'triage', key: 'route', value: null, why: 'mended', by: 'you', at: at(1) } as const
    expect([store.lift(change), store.lift(change)]).toEqual([true, false])
    expect(store.list()).toHaveLength(1)
    expect(store.history().at(-1)).toEqual(change)
    expect(store.record(change)).toBeNull()
    expect(readEvents(folder, 0)).toMatchObject([
      { kind: 'override', by: 'you', what: { task: 'triage', value: null } },
    ])
  })

  it('says that it cannot be read', () => {
    writeFileSync(join(folder, 'task-overrides.json'), '{"overrides": 1}')
    const store = open()
    expect(store.inForce('triage')).toEqual([])
    expect(store.problem()).toContain('task-overrides.json cannot be read')
    expect(() => store.list()).toThrow(expect.objectContaining({ code: 'overrides_unreadable' }))
  })
})
