import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { scriptedModel } from '../../src/testing.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = (minConfidence: number, more = ''): string => `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  triage:
    { kind: choice, labels: [build, test], local: small, frontier: big, minConfidence: ${minConfidence}, stage: accept, accept: { uncalibrated: true } }
${more}`

let box: Sandbox
beforeAll(async () => {
  box = sandbox({ data: 'fresh' })
  box.env.KEY = 'k'
  const file = (name: string, text: string) => writeFileSync(join(box.folder, name), text)
  file('old.yaml', POLICY(0.7))
  file('new.yaml', POLICY(0.9))
  file('terms.yaml', POLICY(0.7, 'hardStops: { access: [linker] }'))
  file('broken.yaml', 'tasks: { triage: { minConfidense: 1 } }')
  const router = createRouter({
    policy: join(box.folder, 'old.yaml'),
    env: { ...box.env },
    paths: resolvePaths(box.env, process.platform),
    models: {
      small: scriptedModel({
        name: 'small',
        decisions: [0.95, 0.8, 0.6].map((build) => ({ probabilities: { build, test: 1 - build } })),
      }),
      big: scriptedModel({ name: 'big', answers: ['build'] }),
    },
  })
  for (const id of ['one', 'two', 'three'])
    await router.complete({ id, messages: [{ role: 'user', content: `log ${id}` }], metadata: { task: 'triage' } })
  await router.close()
})
afterAll(() => box.close())

describe('spillway replay', () => {
  it('shows both sides, and each kind of change with a request', async () => {
    const { exitCode, stdout } = await box.run(['replay', '--policy', 'new.yaml', '--since', '1d'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('3 decisions, 3 replayed, 1 changed, not replayable: 0')
    expect(stdout).toMatch(/local share +66\.7 % +33\.3 %/)
    expect(stdout).toMatch(/1 +local local_accepted +frontier confidence_low +two/)
  })

  it('gives the same as data', async () => {
    const { stdout } = await box.run(['replay', '--policy', 'new.yaml', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ decisions: 3, replayed: 3, decidedAnew: 3, changed: 1, assumedCalls: 1, notReplayable: { total: 0 } },
      changes: [{ from: 'local local_accepted', to: 'frontier confidence_low', count: 1, examples: ['two'] }],
    })
  })

  it('counts what hangs on text', async () => {
    const { stdout } = await box.run(['replay', '--policy', 'terms.yaml'])
    expect(stdout).toContain('not replayable: 3')
    expect(stdout).toContain('3 hard_stop_by_text: hard-stop terms that were not looked for')
  })

  it.each([
    [['replay', '--policy', 'gone.yaml'], 2, 'No policy file at gone.yaml'],
    [['replay', '--policy', 'broken.yaml'], 2, 'minConfidense'],
    [['replay', '--policy', 'new.yaml', '--since', 'soon'], 2, '--since soon is neither a span nor a date'],
    [['replay', '--policy', 'new.yaml', '--calibrator', 'best'], 2, '--calibrator best is no choice'],
    [['replay', '--policy', 'new.yaml', '--task', 'chat'], 1, 'There is no recorded request of task chat since 7d'],
    [['replay'], 2, '--policy'],
  ] as const)('%j ends with %i', async (args, code, words) => {
    const { exitCode, stdout, stderr } = await box.run(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' })
    expect(stderr).toContain(words)
  })

  it('needs the policy of then, which the state directory keeps for its owner alone', async () => {
    const folder = join(resolvePaths(box.env, process.platform).stateDir, 'policies')
    expect(readdirSync(folder)).toHaveLength(1)
  })
})

describe('spillway policy diff', () => {
  it('says which keys differ, and what follows', async () => {
    const { exitCode, stdout } = await box.run(['policy', 'diff', 'old.yaml', 'new.yaml'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('tasks.triage.minConfidence: 0.7 -> 0.9')
    expect(stdout).toMatch(/of the replayed +old +new/)
    expect(stdout).toMatch(/local share +66\.7 % +33\.3 %/)
  })

  it('compares with the old file, not with what happened', async () => {
    const { stdout } = await box.run(['policy', 'diff', 'new.yaml', 'old.yaml', '--json'])
    const { differences, consequence } = JSON.parse(stdout)
    expect(differences).toEqual([{ key: 'tasks.triage.minConfidence', old: 0.9, new: 0.7 }])
    expect(consequence).toMatchObject({ before: { local: 1 }, after: { local: 2 }, changed: 1 })
  })

  it('still says what differs where nothing is recorded', async () => {
    const { exitCode, stdout } = await box.run(['policy', 'diff', 'old.yaml', 'new.yaml', '--since', '0s'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('No request is recorded since 0s: the consequence is not known.')
  })

  it('refuses a file that is no policy', async () => {
    expect(await box.run(['policy', 'diff', 'old.yaml', 'broken.yaml'])).toMatchObject({ exitCode: 2, stdout: '' })
  })
})
