import { describe, expect, it } from 'vitest'
import { babysit, type Watch, type WatchedModel, type WatchLine } from '../../src/models/babysit.ts'

/** A machine of 1,000 bytes in which models hold what they need, and time passes only while the watch waits. */
function machine(models: readonly WatchedModel[], settings: Partial<Watch> = {}) {
  let loaded = [...models]
  let elapsedMs = 0
  let usedByOthers = 0
  let stopped = false
  const lines: WatchLine[] = []
  const steps: { atMs: number; act: () => void }[] = []
  const watch: Watch = {
    targetFreeBytes: 500,
    intervalMs: 10,
    runs: 'until stopped',
    freeBytes: () => 1000 - usedByOthers - loaded.reduce((sum, model) => sum + model.needBytes, 0),
    models: async () => [...loaded],
    unload: async (digest) => {
      const before = loaded.length
      loaded = loaded.filter((model) => model.digest !== digest || !model.isIdle)
      return before - loaded.length
    },
    wait: async (ms) => {
      elapsedMs += ms
      for (const step of steps) if (step.atMs === elapsedMs) step.act()
    },
    isStopped: () => stopped,
    report: (line) => lines.push(line),
    ...settings,
  }
  return {
    watch,
    lines,
    names: () => loaded.map(({ name }) => name),
    at: (atMs: number, act: () => void) => steps.push({ atMs, act }),
    othersUse: (bytes: number) => {
      usedByOthers = bytes
    },
    finish: (name: string) => {
      loaded = loaded.map((model) => (model.name === name ? { ...model, isIdle: true } : model))
    },
    stop: () => {
      stopped = true
    },
  }
}

const model = (name: string, changes: Partial<WatchedModel> = {}): WatchedModel => ({
  name,
  digest: `sha256:${name}`,
  needBytes: 200,
  isIdle: true,
  lastUsedMs: 0,
  ...changes,
})

describe('babysit', () => {
  it('unloads the least recently used idle model first, and no more than the target takes', async () => {
    const here = machine([
      model('b', { lastUsedMs: 20 }),
      model('a', { lastUsedMs: 10 }),
      model('c', { lastUsedMs: 30 }),
    ])
    expect(await babysit({ ...here.watch, runs: 'once' })).toBe('target_kept')
    expect(here.names()).toEqual(['b', 'c'])
    expect(here.lines).toEqual([
      { event: 'start', targetFreeBytes: 500, freeBytes: 400, models: 3 },
      {
        event: 'unload',
        model: 'a',
        digest: 'sha256:a',
        copies: 1,
        expectedBytes: 200,
        freeBeforeBytes: 400,
        freeBytes: 600,
      },
      { event: 'end', ending: 'target_kept', freeBytes: 600, unloaded: 1 },
    ])
  })

  it('leaves everything loaded while enough is free', async () => {
    const here = machine([model('a')])
    expect(await babysit({ ...here.watch, runs: 'once' })).toBe('target_kept')
    expect(here.names()).toEqual(['a'])
  })

  it('waits for a busy model, says once that memory is short, and unloads it when it is done', async () => {
    const here = machine([model('busy', { isIdle: false, needBytes: 600 })])
    here.at(30, () => here.finish('busy'))
    here.at(60, () => here.stop())
    expect(await babysit(here.watch)).toBe('stopped')
    expect(here.names()).toEqual([])
    expect(here.lines.map(({ event }) => event)).toEqual(['start', 'short', 'unload', 'end'])
  })

  it('acts when other programs take memory later', async () => {
    const here = machine([model('a')])
    here.at(20, () => here.othersUse(400))
    here.at(50, () => here.stop())
    expect(await babysit(here.watch)).toBe('stopped')
    expect(here.names()).toEqual([])
  })

  it('ends when nothing of ours is left and the target is still not reached', async () => {
    const here = machine([model('a')])
    here.othersUse(700)
    expect(await babysit(here.watch)).toBe('target_not_reached')
    expect(here.names()).toEqual([])
  })

  it('does not reach the target in one look while a model is busy', async () => {
    const here = machine([model('busy', { isIdle: false, needBytes: 600 })])
    expect(await babysit({ ...here.watch, runs: 'once' })).toBe('target_not_reached')
    expect(here.names()).toEqual(['busy'])
  })

  it.each([
    ['no host runs', null],
    ['no model is loaded', []],
  ])('has nothing to watch when %s', async (_, models) => {
    const here = machine([], { models: async () => models })
    expect(await babysit(here.watch)).toBe('nothing_to_watch')
  })

  it('does not count a model that became busy before it could be unloaded', async () => {
    const here = machine([model('a', { needBytes: 600 })], { unload: async () => 0 })
    expect(await babysit({ ...here.watch, runs: 'once' })).toBe('target_not_reached')
    expect(here.lines.map(({ event }) => event)).toEqual(['start', 'short', 'end'])
  })
})
