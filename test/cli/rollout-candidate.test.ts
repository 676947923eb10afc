import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { candidateRecord, type Tried } from '../support/candidate-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeEach(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterEach(() => box.close())

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  other: { provider: embedded, model: smollm2-360m-instruct, tier: local_quality }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  triage: { kind: choice, labels: [build, test], local: small, frontier: big, stage: accept, accept: { maxErrorRate: 0.05 } }
  private: { kind: choice, labels: [build, test], local: small, frontier: false, partition: local_only }
  plan: { local: false, frontier: big }
`
const stateDir = () => resolvePaths(box.env, process.platform).stateDir
const run = (args: readonly string[]) => box.run(args, { env: { KEY: 'k' } })
const json = async (args: readonly string[]) => JSON.parse((await run([...args, '--json'])).stdout)
const candidate = (...args: readonly string[]) => ['rollout', 'candidate', ...args]

/** After every move of the test. */
const later = new Date(Date.now() + 3_600_000).toISOString()

async function record(id: string, groups: readonly (readonly [number, Tried])[]): Promise<void> {
  const log = openAuditLog({ stateDir: stateDir(), durability: 'process', onFailure: 'refuse' })
  const records: readonly AuditRecord[] = groups.flatMap(([n, tried], group) =>
    Array.from({ length: n }, (_, at) =>
      candidateRecord(`${id}-${group}-${at}`, {
        ...tried,
        candidate: { candidate: id },
        record: { receivedAt: later, ...tried.record },
      }),
    ),
  )
  // As a router writes them: the record, and what ran beside it.
  for (const { candidate: tried, ...settled } of records) {
    log.journal.append({ type: 'settle', requestId: settled.requestId, record: settled })
    if (tried) log.journal.append({ type: 'candidate', requestId: settled.requestId, candidate: tried })
  }
  await log.close()
}

const right = { truth: 'test', before: 'test', now: 'test' }
const lost = { truth: 'test', before: 'test', now: 'build' }
const gained = { truth: 'build', before: 'test', now: 'build' }

describe('spillway rollout candidate', () => {
  it('is started, reported on, promoted over the policy, and rolled back; every step is in the audit', async () => {
    const started = await json(candidate('start', 'triage', '--model', 'other', '--why', 'a larger one.'))
    expect(started).toMatchObject({
      setup: { model: 'other', replaces: 'small', prompt: null, labels: null },
      maxLoss: 0.02,
      why: 'a larger one',
    })
    const again = await run(candidate('start', 'triage', '--model', 'other', '--why', 'x'))
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('tries model other already') })
    await record(started.id, [
      [150, right],
      [30, gained],
      [2, lost],
    ])
    const [report] = await json(candidate('report', 'triage'))
    expect(report).toMatchObject({
      task: 'triage',
      verdict: 'better',
      pairs: 182,
      incumbent: { model: { name: 'small' }, errors: { wrong: 30 }, latencyMs: { p50: 40 } },
      challenger: { model: { name: 'other' }, errors: { wrong: 2 }, latencyMs: { p50: 60 } },
      memoryBytes: { incumbent: expect.any(Number) },
      labels: [
        { label: 'test', n: 152 },
        { label: 'build', n: 30 },
      ],
    })
    const text = (await run(candidate('report'))).stdout
    expect(text).toMatch(/^triage: model other beside small: better\n {2}182 requests answered by both, 182 count\n/)
    expect((await run(['rollout', 'status', 'triage'])).stdout).toContain('tries model other since')
    const up = await run(candidate('promote', 'triage', '--why', 'it is better'))
    expect(up).toMatchObject({ exitCode: 0, stdout: 'triage: as the policy says -> model other, in stage accept\n' })
    const route = await json(['route', 'The build broke.', '--task', 'triage'])
    expect(route.decision).toMatchObject({ stage: 'accept', local: [] })
    expect(JSON.stringify(route.decision)).toContain('other')
    expect((await json(['rollout', 'status', 'triage']))[0]).toMatchObject({
      answeredBy: { model: 'other' },
      candidate: null,
    })
    const back = await run(['rollout', 'rollback', 'triage', '--why', 'complaints'])
    expect(back.stdout).toBe('triage: accept -> accept\ntriage: model other -> as the policy says\n')
    const events = await json(['audit', 'events'])
    expect(events.map(({ what }: { what: object }) => what)).toMatchObject([
      { action: 'candidate_start', setup: 'model other', maxLoss: 0.02, why: 'a larger one' },
      {
        ...{ action: 'rotate', from: 'accept', to: 'accept', why: 'it is better', model: 'other', n: 182, errors: 2 },
        ...{ answeredBy: 'model other', answeredBefore: 'as the policy says' },
        detail: expect.stringContaining('better: wrong 2 of 182, before 30 of 182'),
      },
      { action: 'rollback', cause: 'operator', answeredBy: 'as the policy says', model: 'small' },
    ])
    expect((await run(['audit', 'verify'])).exitCode).toBe(0)
  })

  it('does not put a worse one, or one of which too little is known, in force, and says what is missing', async () => {
    writeFileSync(join(box.folder, 'new.yaml'), 'system: Name the team.\nversion: v2\n')
    const args = candidate('start', 'triage', '--prompt', 'new.yaml', '--labels', 'test,build', '--max-loss', '1.5')
    const started = await json([...args, '--why', 'x'])
    expect(started).toMatchObject({
      setup: {
        ...{ model: 'small', prompt: { system: 'Name the team.', version: 'v2' }, labels: ['test', 'build'] },
        promptHash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      },
      maxLoss: 0.015,
    })
    const early = await run(candidate('promote', 'triage', '--why', 'eager'))
    expect(early).toMatchObject({ exitCode: 6, stdout: '' })
    expect(early.stderr).toContain(
      'may not take over: not_enough; no request came in which the model in force was asked',
    )
    await record(started.id, [
      [100, right],
      [20, lost],
    ])
    const worse = await run(candidate('promote', 'triage', '--why', 'eager'))
    expect(worse.exitCode).toBe(6)
    expect(worse.stderr).toMatch(/may not take over: worse; wrong answers rise: 20 lost and 0 gained of 120/)
    expect((await run(candidate('discard', 'triage', '--why', 'worse'))).stdout).toBe(
      'triage: model small, prompt v2, labels in another order is tried no more\n',
    )
    expect((await json(['rollout', 'status', 'triage']))[0]).toMatchObject({ candidate: null, answeredBy: null })
  })

  it('takes a local model for private work, and never a hosted one', async () => {
    const hosted = await run(candidate('start', 'private', '--model', 'big', '--why', 'x'))
    expect(hosted).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('none may leave this machine for it') })
    const { id } = await json(candidate('start', 'private', '--model', 'other', '--why', 'x'))
    await record(id, [[40, { before: 'test', now: 'test', isFair: false, record: { task: 'private' } }]])
    const [report] = await json(candidate('report', 'private'))
    expect(report).toMatchObject({ basis: 'people', pairs: 40, verdict: 'not_enough', unlabelled: [] })
  })

  it.each([
    [['start', 'triag', '--model', 'other', '--why', 'x'], 'Did you mean triage?'],
    [['start', 'plan', '--model', 'other', '--why', 'x'], 'has no local model'],
    [['start', 'triage', '--model', 'other'], 'a move needs a reason'],
    [['start', 'triage', '--model', 'othr', '--why', 'x'], 'Did you mean other?'],
    [['start', 'triage', '--why', 'x'], 'that is what answers now'],
    [['start', 'triage', '--labels', 'build', '--why', 'x'], 'these are not the labels of the task'],
    [['start', 'triage', '--model', 'other', '--max-loss', '0', '--why', 'x'], 'not a number of percentage points'],
    [['start', 'triage', '--prompt', 'none.yaml', '--why', 'x'], 'cannot be read (ENOENT)'],
    [['start', 'triage', '--prompt', 'bad.yaml', '--why', 'x'], 'bad.yaml: the file: Unrecognized key'],
    [['report', 'triage'], 'has no candidate'],
    [['promote', 'triage', '--why', 'x'], 'has no candidate'],
    [['discard', 'triage', '--why', 'x'], 'has no candidate'],
  ])('says what is wrong with %j', async (args, message) => {
    writeFileSync(join(box.folder, 'bad.yaml'), 'sytem: x\n')
    const { exitCode, stderr } = await run(candidate(...args))
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  it('names the file when it cannot be read', async () => {
    mkdirSync(stateDir(), { recursive: true })
    writeFileSync(join(stateDir(), 'rollouts.json'), '{')
    const { exitCode, stderr } = await run(candidate('start', 'triage', '--model', 'other', '--why', 'x'))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/The stages in .*rollouts\.json cannot be read/)
  })
})
