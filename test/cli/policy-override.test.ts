import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  triage: { kind: choice, labels: [bug, praise], local: small, frontier: big, stage: accept, accept: { uncalibrated: true } }
  chat: { local: small, frontier: big }
`

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterAll(() => box.close())

const override = (...args: readonly string[]) => box.run(['policy', 'override', ...args])

describe('spillway policy override', () => {
  it('sets a route aside, is obeyed by other commands, is shown and audited, and is lifted', async () => {
    const set = await override('set', 'triage', 'route', 'local', '--for', '2h', '--why', 'provider breach', '--json')
    expect(JSON.parse(set.stdout)).toMatchObject({
      task: 'triage',
      key: 'route',
      value: 'local',
      why: 'provider breach',
    })
    const { stdout } = await box.run(['route', 'It crashes.', '--task', 'triage', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ decision: { route: 'local', call: ['local'] } })
    expect((await override('list')).stdout).toMatch(/^triage: route local until \S+ by \S+: provider breach$/m)
    expect((await override('clear', 'triage', 'route')).stdout).toBe('triage: route as the policy says\n')
    expect((await override('clear', 'triage', 'route')).stderr).toContain('Nothing is set aside for route of triage.')
    expect(JSON.parse((await override('list', '--json')).stdout)).toMatchObject({
      overrides: [],
      history: [{ value: 'local' }, { value: null }],
    })
    expect((await box.run(['audit', 'events'])).stdout.match(/ override /g)).toHaveLength(2)
  })

  it.each([
    [['nothing', 'route', 'local', '--for', '2h', '--why', 'x'], 'Task nothing is not in the policy.'],
    [['triage', 'route', 'home', '--for', '2h', '--why', 'x'], 'there is no route home'],
    [['triage', 'rout', 'local', '--for', '2h', '--why', 'x'], 'Did you mean route?'],
    [['triage', 'minConfidence', '1.5', '--for', '2h', '--why', 'x'], 'minConfidence 1.5 is not a number from 0 to 1'],
    [['chat', 'minConfidence', '0.9', '--for', '2h', '--why', 'x'], 'minConfidence says nothing about chat'],
    [['triage', 'route', 'local', '--for', 'long', '--why', 'x'], '--for long is not a span'],
    [['triage', 'route', 'local', '--for', '2h', '--why', ' '], '--why says nothing'],
    [['triage', 'route', 'local', '--why', 'x'], '--for'],
  ])('says what is wrong with %j', async (args, problem) => {
    const finished = await override('set', ...args)
    expect(finished.exitCode).toBe(2)
    expect(finished.stderr).toContain(problem)
  })
})
