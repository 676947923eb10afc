import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KillOrder } from '../../src/spec/kill-switch.ts'
import { openKillSwitch } from '../../src/stores/kill-switch.ts'

let folder = ''
let now = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-kill-'))
  now = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = () => openKillSwitch(folder, () => now)
const order = (scope: string, mode: KillOrder['mode']): KillOrder => ({
  scope,
  mode,
  why: 'a leak',
  by: 'me',
  at: '2026-01-01T00:00:00.000Z',
})
const ANY = { task: 'chat', tenant: null, group: null }

describe('the kill switch', () => {
  it('is obeyed by every process within a fifth of a second, and survives a restart [F45]', () => {
    const [one, other] = [open(), open()]
    expect(other.ordersFor(ANY)).toEqual([])
    one.give(order('all', 'stop'))
    expect(one.ordersFor(ANY)).toHaveLength(1)
    now = 199
    expect(other.ordersFor(ANY)).toEqual([])
    now = 200
    expect(other.ordersFor(ANY)).toMatchObject([{ mode: 'stop', why: 'a leak' }])
    expect(open().ordersFor(ANY)).toHaveLength(1)
  })

  it('concerns all, a task, a tenant or a group of users; a new order takes the place of the one before it', () => {
    const store = open()
    store.give(order('task:chat', 'local_only'))
    store.give(order('tenant:acme', 'stop'))
    expect(store.ordersFor(ANY).map(({ scope }) => scope)).toEqual(['task:chat'])
    store.give(order('group:beta', 'stop'))
    const scopes = (subject: Partial<typeof ANY>) =>
      store.ordersFor({ ...ANY, task: 'other', ...subject } as never).map(({ scope }) => scope)
    expect(scopes({ tenant: 'acme' as never })).toEqual(['tenant:acme'])
    expect(scopes({ group: 'beta' as never })).toEqual(['group:beta'])
    expect(scopes({})).toEqual([])
    store.give(order('task:chat', 'frontier_only'))
    expect(store.ordersFor(ANY)).toMatchObject([{ mode: 'frontier_only' }])
  })

  it('loses none of the orders that two processes give at once', async () => {
    const store = pathToFileURL(resolve(import.meta.dirname, '../../src/stores/kill-switch.ts'))
    const giver = `
      import { openKillSwitch } from '${store}'
      const book = openKillSwitch(process.argv[1], () => performance.now())
      for (let n = 0; n < 40; n++)
        book.give({ scope: 'task:' + process.argv[2] + n, mode: 'stop', why: 'x', by: 'me', at: '' })`
    const ends = ['a', 'b'].map(async (name) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', giver, folder, name], { stdio: 'inherit' })
      return await once(child, 'exit')
    })
    expect((await Promise.all(ends)).map(([code]) => code)).toEqual([0, 0])
    expect(open().list()).toHaveLength(80)
  })

  it('is lifted for its scope alone, and keeps who did what and why', () => {
    const store = open()
    store.give(order('all', 'stop'))
    store.give(order('task:chat', 'stop'))
    const lifted = { scope: 'all', why: 'mended', by: 'you', at: '2026-01-02T00:00:00.000Z' }
    expect(store.lift(lifted)).toBe(true)
    expect(store.lift(lifted)).toBe(false)
    expect(store.list().map(({ scope }) => scope)).toEqual(['task:chat'])
    expect(store.history().map(({ scope, mode, by }) => [scope, mode, by])).toEqual([
      ['all', 'stop', 'me'],
      ['task:chat', 'stop', 'me'],
      ['all', 'off', 'you'],
    ])
    expect(statSync(join(folder, 'kill-switch.json')).mode & 0o777).toBe(0o600)
  })

  it('stops everything when the order cannot be read', () => {
    writeFileSync(join(folder, 'kill-switch.json'), '{"orders": [')
    expect(open().ordersFor(ANY)).toMatchObject([{ scope: 'all', mode: 'stop' }])
    expect(() => open().history()).toThrow(/cannot be read; until it can, nobody is asked/)
  })
})

describe('the file of the kill switch', () => {
  it('is read once as long as it does not change', () => {
    const store = open()
    store.give(order('all', 'stop'))
    const first = store.ordersFor(ANY)
    now = 1000
    expect(store.ordersFor(ANY)).toEqual(first)
  })

  it('counts as stop when it cannot be read at all', () => {
    mkdirSync(join(folder, 'kill-switch.json'))
    expect(open().ordersFor(ANY)).toMatchObject([{ mode: 'stop', by: 'spillway' }])
  })
})
