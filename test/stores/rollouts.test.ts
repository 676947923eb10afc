import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RolloutChange } from '../../src/spec/rollout.ts'
import { openRollouts } from '../../src/stores/rollouts.ts'

let folder = ''
let now = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-rollouts-'))
  now = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As most of the tests want it: what is written down is nobody's. */
const open = () => {
  const store = openRollouts(folder, () => now)
  return { ...store, move: (change: RolloutChange, record: () => void = () => {}) => store.move(change, record) }
}
const CANARY = { canary: { percent: 10, groups: ['pilots'], tenants: [] } }
let ids = 0
const change = (part: Partial<RolloutChange>): RolloutChange => ({
  id: `move-${++ids}`,
  task: 'triage',
  action: 'promote',
  cause: 'operator',
  from: 'shadow',
  to: CANARY,
  over: 'shadow',
  after: null,
  why: 'a week of shadow',
  by: 'me',
  at: '2026-01-01T00:00:00.000Z',
  policyDigest: 'sha256:one',
  model: { name: 'small', identity: { digest: 'sha256:w', quantisation: 'Q8_0', servedBy: 'small' } },
  evidence: { n: 300, errors: 2, lower: null, upper: 0.02, maxErrorRate: 0.05 },
  ...part,
})

describe('a moved stage', () => {
  it('is seen by every process within a fifth of a second, and survives a restart', () => {
    const [one, other] = [open(), open()]
    expect(other.find('triage', 'shadow')).toBeNull()
    expect(one.move(change({}))).toBe(true)
    expect(one.find('triage', 'shadow')?.to).toEqual(CANARY)
    now = 199
    expect(other.find('triage', 'shadow')).toBeNull()
    now = 200
    expect(other.find('triage', 'shadow')?.to).toEqual(CANARY)
    expect(open().find('triage', 'shadow')?.to).toEqual(CANARY)
    expect(open().find('other', 'shadow')).toBeNull()
    expect(statSync(join(folder, 'rollouts.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['rollouts.json'])
  })

  it('lapses when the stage in the policy is edited, and a new move starts from there', () => {
    const store = open()
    const first = change({})
    store.move(first)
    expect(store.find('triage', 'off')).toBeNull()
    expect(store.find('triage', undefined)).toBeNull()
    // What stood over another stage of the file is no move that this one comes after.
    expect(store.move(change({ over: 'off', from: 'off', to: 'shadow', after: first.id }))).toBe(false)
    expect(store.move(change({ over: 'off', from: 'off', to: 'shadow' }))).toBe(true)
    expect(store.find('triage', 'off')).toMatchObject({ to: 'shadow', before: [{ stage: 'off' }] })
    expect(store.list()).toHaveLength(1)
  })

  it('is lost to whoever moved first', () => {
    const [one, other] = [open(), open()]
    const canary = change({})
    one.move(canary)
    const accept = change({ from: CANARY, to: 'accept', after: canary.id })
    const back = change({ from: CANARY, to: 'shadow', action: 'rollback', after: canary.id })
    expect(other.move(back)).toBe(true)
    expect(one.move(accept)).toBe(false)
    expect(one.find('triage', 'shadow')?.to).toBe('shadow')
    expect(one.history().map(({ action }) => action)).toEqual(['promote', 'rollback'])
  })

  it('remembers the stages before it, each with its model and policy, the nearest last', () => {
    const store = open()
    const canary = change({})
    store.move(canary)
    store.move(change({ from: CANARY, to: 'accept', after: canary.id, policyDigest: 'sha256:two' }))
    const accepted = store.find('triage', 'shadow')
    expect(accepted?.before).toEqual([
      { stage: 'shadow', model: canary.model, policyDigest: 'sha256:one' },
      { stage: CANARY, model: canary.model, policyDigest: 'sha256:one' },
    ])
    store.move(change({ action: 'rollback', from: 'accept', to: CANARY, after: accepted?.id ?? null }))
    expect(store.find('triage', 'shadow')?.before.map(({ stage }) => stage)).toEqual(['shadow'])
  })

  it('holds local answers back when the file cannot be read, but for tasks that are off', () => {
    writeFileSync(join(folder, 'rollouts.json'), '{"inForce": [')
    const store = open()
    expect(store.find('triage', 'accept')?.to).toBe('shadow')
    expect(store.find('triage', 'off')).toBeNull()
    expect(store.problem()).toContain('no local answer is served')
    expect(() => store.move(change({}))).toThrow(/cannot be read/)
    expect(() => store.list()).toThrow(/cannot be read; until they can, no local answer is served/)
  })

  it('is written down before it holds, and not at all when it is lost', () => {
    const [store, seen] = [open(), [] as unknown[]]
    const first = change({})
    store.move(first, () => seen.push(open().find('triage', 'shadow')))
    store.move(change({}), () => seen.push('lost'))
    expect(seen).toEqual([null])
    const broken = change({ from: CANARY, to: 'accept', after: first.id })
    const full = () => {
      throw new Error('the disk is full')
    }
    expect(() => store.move(broken, full)).toThrow('the disk is full')
    expect(store.find('triage', 'shadow')?.to).toEqual(CANARY)
  })

  it('gives up while somebody else is at it', () => {
    writeFileSync(join(folder, 'rollouts.json.lock'), '')
    expect(open().move(change({}))).toBe(false)
  })

  it('takes over a lock whose holder died', () => {
    const lock = join(folder, 'rollouts.json.lock')
    writeFileSync(lock, '')
    utimesSync(lock, new Date(0), new Date(0))
    expect(open().move(change({}))).toBe(true)
  })
})
