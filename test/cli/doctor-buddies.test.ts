import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openBuddies } from '../../src/stores/buddies.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
tasks:
  asked: { kind: answer, pattern: buddy }
  other: { kind: answer }
`

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterAll(() => box.close())

function stateDir(): string {
  return resolvePaths(box.env, process.platform).stateDir
}

async function buddyChecks(): Promise<readonly Readonly<Record<string, string>>[]> {
  const { stdout } = await box.run(['doctor', '--json'])
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Readonly<Record<string, string>>[] }
  return checks.filter(({ name }) => name?.startsWith('buddy'))
}

describe('doctor', () => {
  it('says nothing of buddies while all of them pay, and names one that was switched off with its figures', async () => {
    expect(await buddyChecks()).toEqual([])
    const figures = { compared: 60, harmed: 2, draftRight: 20, right: 50, spent: 10, plain: 30, unit: 'usd' } as const
    const off = { version: 1, setup: 'a', at: '2026-03-01T00:00:00.000Z', why: 'harm', figures } as const
    const store = openBuddies(join(stateDir(), 'buddies'), () => 0)
    store.add({ ...off, task: 'asked' })
    store.add({ ...off, task: 'other' })
    expect(await buddyChecks()).toMatchObject([
      {
        name: 'buddy asked',
        state: 'warn',
        why: 'Switched off on 2026-03-01 for one setting of its options: harm: 2 of 60 compared answers were right and made wrong.',
      },
    ])
  })

  it('names a file of switches that it cannot read', async () => {
    mkdirSync(join(stateDir(), 'buddies'), { recursive: true })
    writeFileSync(join(stateDir(), 'buddies', 'broken.json'), '{')
    expect(await buddyChecks()).toMatchObject([{ name: 'buddy', state: 'fail' }])
  })
})
