import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { shadowedRecord } from '../support/shadowed-record.ts'
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
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  triage: { kind: choice, labels: [build, test], local: small, frontier: big, stage: shadow, accept: { maxErrorRate: 0.05 } }
  plan: { local: false, frontier: big }
`
const stateDir = () => resolvePaths(box.env, process.platform).stateDir

async function record(records: readonly AuditRecord[]): Promise<void> {
  const log = openAuditLog({ stateDir: stateDir(), durability: 'process', onFailure: 'refuse' })
  await log.journal.write(records.map((one) => ({ type: 'settle', requestId: one.requestId, record: one })))
  await log.close()
}

/** After every move of the test. */
const later = new Date(Date.now() + 3_600_000).toISOString()
const shadowed = (n: number, wrong: number, receivedAt = '2026-01-01T00:00:00.000Z') =>
  Array.from({ length: n }, (_, at) =>
    shadowedRecord(`${receivedAt}-${at}`, { agrees: at >= wrong, record: { receivedAt } }),
  )

const run = (args: readonly string[]) => box.run(args, { env: { KEY: 'k' } })
const json = async (args: readonly string[]) => JSON.parse((await run([...args, '--json'])).stdout)

describe('spillway rollout', () => {
  it('goes up a stage at a time on evidence, and back, and writes down who, why and on what', async () => {
    await record(shadowed(300, 2))
    expect((await json(['rollout', 'status', 'triage']))[0]).toMatchObject({
      stage: 'shadow',
      source: 'policy',
      evidence: { shadowed: 300, labelled: 300, errors: 2 },
      next: { to: { canary: { percent: 10 } }, isMet: true, missing: [] },
    })
    const up = await run(['rollout', 'promote', 'triage', '--to', 'canary', '--groups', 'pilots', '--why', 'A week.'])
    expect(up).toMatchObject({ exitCode: 0, stdout: 'triage: shadow -> canary 0 %, groups pilots\n' })
    // What led to the canary does not lead further: the canary has to show it again.
    const early = await run(['rollout', 'promote', 'triage', '--why', 'more'])
    expect(early).toMatchObject({ exitCode: 6, stdout: '' })
    expect(early.stderr).toContain('may not go to accept yet: no request was shadowed or audited since the last move')
    await record(shadowed(300, 2, later))
    await run(['rollout', 'promote', 'triage', '--why', 'held'])
    const route = await json(['route', 'The build broke.', '--task', 'triage'])
    expect(route.decision.stage).toBe('accept')
    const back = await json(['rollout', 'rollback', 'triage', '--why', 'complaints'])
    expect(back).toMatchObject({
      from: 'accept',
      to: { canary: { percent: 0, groups: ['pilots'] } },
      action: 'rollback',
    })
    const events = await json(['audit', 'events'])
    expect(events.map(({ kind, what }: { kind: string; what: object }) => ({ kind, ...what }))).toMatchObject([
      {
        kind: 'rollout',
        action: 'promote',
        from: 'shadow',
        why: 'A week',
        n: 300,
        errors: 2,
        maxErrorRate: 0.05,
        model: 'small',
        quantisation: 'Q8_0',
      },
      { kind: 'rollout', action: 'promote', to: 'accept', why: 'held' },
      { kind: 'rollout', action: 'rollback', cause: 'operator', why: 'complaints' },
    ])
    expect((await run(['audit', 'verify'])).exitCode).toBe(0)
  })

  it('says what is missing, ends with 6 and changes nothing', async () => {
    await record(shadowed(40, 0))
    const { exitCode, stderr } = await run(['rollout', 'promote', 'triage', '--why', 'eager'])
    expect(exitCode).toBe(6)
    expect(stderr).toMatch(/needs about \d+ more labelled shadow requests/)
    expect((await run(['rollout', 'status'])).stdout).toMatch(
      /^triage: shadow, as the policy says\n {2}40 requests, 40 shadowed, 0 audited; 40 of 40 would be local, 0 of 40 labelled wrong, error rate 0\.0 % to .*\n {2}next canary 10 %: 0 of 40 .*needs about/,
    )
    expect(await json(['audit', 'events'])).toEqual([])
  })

  it('needs no evidence for less: from off to shadow, and down', async () => {
    await run(['rollout', 'rollback', 'triage', '--why', 'x'])
    expect((await json(['rollout', 'status', 'triage']))[0]).toMatchObject({
      stage: 'off',
      source: 'moved',
      next: { isMet: true },
    })
    expect((await run(['rollout', 'promote', 'triage', '--why', 'x'])).stdout).toBe('triage: off -> shadow\n')
  })

  it.each([
    [['promote', 'triag', '--why', 'x'], 'Did you mean triage?'],
    [['promote', 'plan', '--why', 'x'], 'has no local model'],
    [['promote', 'triage'], 'a move needs a reason'],
    [['promote', 'triage', '--to', 'live', '--why', 'x'], 'there is no stage live'],
    [['promote', 'triage', '--to', 'accept', '--why', 'x'], 'from stage shadow the next is canary 10 %'],
    [['promote', 'triage', '--to', 'off', '--why', 'x'], 'off is not above it'],
    [['promote', 'triage', '--percent', '200', '--why', 'x'], 'not a number from 0 to 100'],
    [['promote', 'triage', '--percent', '0', '--why', 'x'], 'a canary of nobody'],
    [['promote', 'triage', '--to', 'shadow', '--percent', '5', '--why', 'x'], 'say nothing about stage shadow'],
    [['rollback', 'triage', '--to', 'accept', '--why', 'x'], 'accept is not below it'],
    [['rollback', 'triage', '--to', 'off'], 'a move needs a reason'],
    [['status', 'nobody'], 'Known: triage, plan'],
  ])('says what is wrong with %j', async (args, message) => {
    const { exitCode, stderr } = await run(['rollout', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  it('names the file when the moved stages cannot be read', async () => {
    mkdirSync(stateDir(), { recursive: true })
    writeFileSync(join(stateDir(), 'rollouts.json'), '{')
    for (const args of [['status'], ['rollback', 'triage', '--why', 'x']]) {
      const { exitCode, stderr } = await run(['rollout', ...args])
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(/The stages in .*rollouts\.json cannot be read/)
    }
  })
})
