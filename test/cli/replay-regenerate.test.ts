import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openRegenerator } from '../../src/cli/replay-regenerate.ts'
import { replayAudit } from '../../src/cli/replay-run.ts'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { LoadedPolicy, PolicyInput } from '../../src/spec/policy.ts'
import { readEvents } from '../../src/stores/kept-content.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { contentSealer } from '../../src/stores/sealed-content.ts'
import { scriptedModel } from '../../src/testing.ts'
import { sandbox } from './spillway.ts'

let root = ''
let env: Record<string, string> = {}
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-regenerate-'))
  const key = randomBytes(32).toString('base64')
  env = { KEY: 'k', SPILLWAY_CONTENT_KEY: key }
  for (const name of ['CONFIG', 'STATE', 'CACHE', 'DATA']) env[`XDG_${name}_HOME`] = join(root, name.toLowerCase())
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function loaded(more: Partial<PolicyInput>, content: 'none' | 'replay' = 'replay'): LoadedPolicy {
  const policy: PolicyInput = {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    tasks: {
      triage: {
        ...{ kind: 'choice', labels: ['build', 'test'], local: 'small', frontier: 'big' },
        ...{ stage: 'accept', accept: { uncalibrated: true } },
      },
    },
    audit: { content },
    ...more,
  }
  return validatePolicy(policy, { file: 'sample.yaml', env })
}

const small = (...decisions: readonly number[]) =>
  scriptedModel({ name: 'small', decisions: decisions.map((build) => ({ probabilities: { build, test: 1 - build } })) })

async function record(policy: LoadedPolicy): Promise<void> {
  const models = { small: small(0.9, 0.9), big: scriptedModel({ name: 'big', answers: [] }) }
  const router = createRouter({ policy, env, paths: resolvePaths(env, process.platform), models })
  for (const [id, text] of [
    ['stopped', 'the marmalade is out'],
    ['fine', 'the linker fails'],
  ] as const)
    await router.complete({ id, messages: [{ role: 'user', content: text }], metadata: { task: 'triage' } })
  await router.close()
}

async function replayed(next: LoadedPolicy, model = small(0.9)) {
  const paths = resolvePaths(env, process.platform)
  const regenerator = openRegenerator({ next, paths, env, sealer: contentSealer(env), models: { small: model } })
  const asked = { sinceMs: 0, next, base: null, calibrator: 'recorded', examples: 3 } as const
  const report = await replayAudit({ ...asked, regenerate: regenerator.regenerate }, { env })
  await regenerator.close()
  return report
}

const STOPS = { hardStops: { access: ['marmalade'] } }

it('reads kept texts for new hard stops, asks the local model again, and calls no frontier', async () => {
  await record(loaded({}))
  const report = await replayed(loaded(STOPS))
  expect(report).toMatchObject({ decisions: 2, replayed: 2, regenerated: 2, notReplayable: { total: 0 } })
  expect(report.changes).toMatchObject([
    { from: 'local local_accepted', to: 'frontier hard_stop_access', examples: ['stopped'] },
  ])
})

it('leaves a line in the log for each text that it read', async () => {
  await record(loaded({}))
  await replayed(loaded(STOPS))
  const { stateDir } = resolvePaths(env, process.platform)
  expect(readEvents(stateDir, 0).map(({ kind, what }) => [kind, what.requestId])).toEqual([
    ['content_read', 'stopped'],
    ['content_read', 'fine'],
  ])
})

it('leaves no text behind, and the audit of the machine as it was', async () => {
  await record(loaded({}))
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('spillway-replay-'))
  await replayed(loaded(STOPS))
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('spillway-replay-'))).toEqual(before)
  const again = await replayAudit(
    { sinceMs: 0, next: loaded({}), base: null, calibrator: 'recorded', examples: 1 },
    { env },
  )
  expect(again).toMatchObject({ decisions: 2, changed: 0 })
})

it('guesses nothing where no text was kept, or the local model cannot be asked now', async () => {
  await record(loaded({}, 'none'))
  expect(await replayed(loaded(STOPS))).toMatchObject({
    regenerated: 0,
    notReplayable: { why: { hard_stop_by_text: 2 } },
  })
})

it('guesses nothing where the local model fails now', async () => {
  await record(loaded({}))
  const report = await replayed(loaded(STOPS), small())
  expect(report).toMatchObject({ regenerated: 1, notReplayable: { why: { hard_stop_by_text: 1 } } })
})

it('needs the key', async () => {
  const box = sandbox({ data: 'fresh' })
  const { exitCode, stderr } = await box.run([
    'replay',
    '--policy',
    join(import.meta.dirname, '../../templates/agent.yaml'),
    '--regenerate',
  ])
  await box.close()
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('SPILLWAY_CONTENT_KEY') })
})
