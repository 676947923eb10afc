import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DRAFT_FIGURES } from '../../src/learn/draft-figures.ts'
import { randomFrom } from '../../src/learn/random.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
tasks:
  triage: { kind: choice, labels: [build, test], local: small, accept: { maxErrorRate: 0.1 } }
  chat: { local: small }
`
const IDENTITY = { digest: 'sha256:1', quantisation: 'Q4_1', servedBy: 'smollm2' }

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  const log = openAuditLog({
    stateDir: resolvePaths(box.env, process.platform).stateDir,
    durability: 'process',
    onFailure: 'refuse',
  })
  const random = randomFrom(1)
  for (let at = 0; at < 400; at++) {
    const requestId = `r${at}`
    log.journal.append({ type: 'intent', requestId, record: auditRecord(requestId, { task: 'triage' }) })
    log.journal.append({ type: 'settle', requestId, record: labelled(requestId, random) })
  }
  await log.journal.flushed()
  await log.close()
})
afterAll(() => box.close())

/** Above .7 the local answer is right, below it is wrong two times in three. */
function labelled(requestId: string, random: () => number): AuditRecord {
  const probability = 0.5 + random() / 2
  return auditRecord(requestId, {
    task: 'triage',
    outcome: 'accepted',
    localModel: { name: 'small', identity: IDENTITY, prompt: null },
    draft: {
      answerHash: 'sha256:c0ec1b44e7b28a4cb1a78b4d6b14f1a2c3d84a52ea1e47c5c1ff7ee3c1d0dd0f',
      isSampled: true,
      agrees: probability > 0.7 || random() < 0.33,
      figures: DRAFT_FIGURES.map((name) => (name === 'probability' ? probability : null)),
      setup: 'setup',
      calibration: null,
    },
  })
}

const json = (text: string) => JSON.parse(text)

describe('spillway calibrate', () => {
  it('shows a fit and keeps nothing with --dry-run', async () => {
    const { exitCode, stdout } = await box.run(['calibrate', 'triage', '--dry-run', '--json'])
    expect(exitCode).toBe(0)
    expect(json(stdout)).toMatchObject([
      { task: 'triage', action: 'would_fit', labels: 400, calibration: { refit: 1 } },
    ])
    const again = await box.run(['calibrate', '--dry-run', '--json'])
    expect(json(again.stdout)[0].calibration.refit).toBe(1)
  })

  it('keeps fits, says what each accepts, and steps back', async () => {
    const first = await box.run(['calibrate', 'triage'])
    expect(first.stdout).toMatch(
      /^triage-[0-9a-f]{8}-1: fitted; accepts \d+\.\d % of the answers \(at most 10\.0 % wrong/,
    )
    const second = await box.run(['calibrate', '--json'])
    expect(json(second.stdout)[0].calibration).toMatchObject({ refit: 2, source: 'frontier', closed: null })
    const back = await box.run(['calibrate', '--rollback', '--json'])
    expect(json(back.stdout)).toMatchObject([{ action: 'stepped_back', calibration: { refit: 1 } }])
    const further = await box.run(['calibrate', '--rollback'])
    expect(further.stdout).toContain('nothing is in force now')
  })

  it('lets surer labels speak against the frontier', async () => {
    for (const id of ['r0', 'r1', 'r2']) {
      const { exitCode, stdout } = await box.run(['feedback', id, '--wrong', '--source', 'gold', '--json'])
      expect(exitCode).toBe(0)
      expect(json(stdout)).toMatchObject({ requestId: id, source: 'gold', isCorrect: false })
    }
    const { stdout } = await box.run(['why', 'r0', '--json'])
    expect(json(stdout).labels).toMatchObject([{ source: 'gold', isCorrect: false }])
  })

  it.each([
    [['calibrate', 'chat'], 2, 'task chat asks for no bound'],
    [['calibrate', 'nope'], 2, 'nope'],
    [['calibrate', '--dry-run', '--rollback'], 2, 'exclude each other'],
    [['feedback', 'r0'], 2, 'the feedback says nothing'],
    [['feedback', 'r0', '--correct', '--source', 'me'], 2, '--source me is not known'],
    [['feedback', 'nobody', '--correct'], 1, 'There is no request nobody'],
    [['lab', 'table', '--data', '/nowhere'], 2, 'holds no known recording'],
    [['lab', 'fit', '/nowhere.jsonl', '--out', 'x'], 2, 'cannot be read'],
  ])('refuses %s', async (args, exitCode, message) => {
    const found = await box.run(args)
    expect(found).toMatchObject({ exitCode, stdout: '' })
    expect(found.stderr).toContain(message)
    expect(found.stderr).not.toMatch(/\n\s+at /)
  })

  it('fits with `learn` only what new labels make worth it', async () => {
    const { exitCode, stdout } = await box.run(['learn', '--json'])
    expect(exitCode).toBe(0)
    expect(json(stdout)).toMatchObject([{ task: 'triage', what: 'calibration', action: 'not_due' }])
    const wrong = await box.run(['learn', 'chat'])
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr).toContain('task chat learns nothing')
    const never = await box.run(['learn', '--every', 'never'])
    expect(never.stderr).toContain('--every never is not a span of at least 1000ms')
  })

  it('learns again and again with --every, until it is stopped', async () => {
    const process = box.start(['learn', '--every', '1s', '--json'])
    let lines = 0
    process.stdout?.on('data', (text: Buffer) => {
      lines += text.toString().split('\n').length - 1
    })
    await expect.poll(() => lines, { timeout: 15_000 }).toBeGreaterThan(1)
    process.kill('SIGTERM')
    await new Promise((resolve) => process.once('exit', resolve))
    expect(process.exitCode).not.toBe(1)
  })
})
