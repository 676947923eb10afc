import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const NOW = new Date().toISOString()
const DRAFT = {
  ...{ answerHash: 'sha256:1', isSampled: true, agrees: null, figures: [], setup: 's', calibration: null },
}

let box: Sandbox
beforeAll(async () => {
  box = sandbox()
  const { stateDir } = resolvePaths(box.env, process.platform)
  const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
  const write = (id: string, change: object): void => {
    const settled = auditRecord(id, { receivedAt: NOW, settledAt: NOW, ...change })
    log.journal.append({ type: 'intent', requestId: id, record: auditRecord(id, { receivedAt: NOW }) })
    log.journal.append({ type: 'settle', requestId: id, record: settled })
  }
  write('served', { outcome: 'accepted', route: 'local', draft: DRAFT })
  write('stuck', { outcome: 'held', route: 'held', reason: 'hard_stop_access' })
  await log.journal.flushed()
  await log.close()
})
afterAll(() => box.close())

const json = async (...args: string[]) => JSON.parse((await box.run([...args, '--json'])).stdout)

describe('spillway review', () => {
  it('shows what waits, keeps what two people found, and says where they disagree', async () => {
    const { items } = await json('review', 'queue')
    expect(items.map((item: { requestId: string; stratum: string }) => [item.requestId, item.stratum])).toEqual([
      ['stuck', 'held'],
      ['served', 'accepted'],
    ])
    expect((await box.run(['review', 'queue'])).stdout).toMatch(/^stuck +\S+ +held +hard_stop_access/m)
    expect((await box.run(['review', 'label', 'served', 'accept', '--by', 'ann'])).stdout).toBe(
      'served: accept by ann\n',
    )
    expect(await json('review', 'label', 'served', 'wrong', '--by', 'bob')).toMatchObject({
      ...{ requestId: 'served', source: 'human', isCorrect: false, by: 'bob', verdict: 'wrong' },
    })
    expect(await json('review', 'label', 'stuck', 'escalate')).toMatchObject({ verdict: 'escalate' })
    expect((await json('review', 'queue')).items).toMatchObject([{ requestId: 'served', stratum: 'disputed' }])
    expect(await json('review', 'agreement')).toMatchObject({ pairs: 1, agreed: 0, open: ['served'] })
    await box.run(['review', 'label', 'served', 'wrong', '--by', 'cid'])
    const empty = await box.run(['review', 'queue'])
    expect(empty).toMatchObject({ exitCode: 0, stdout: '' })
    expect(empty.stderr).toContain('Nothing since 7d waits for a review.')
  })

  it.each([
    [['label', 'served', 'fine'], 2, 'there is no verdict fine'],
    [['label', 'nobody', 'wrong'], 1, 'nobody'],
    [['label', 'served', 'accept', '--value', 'another answer'], 2, 'the right answer given is not the local one'],
    [['label', 'served', 'wrong', '--by', ' '], 2, '--by names nobody'],
    [['queue', '--reviewers', '0'], 2, '--reviewers 0'],
    [['queue', '--since', 'monday'], 2, '--since monday'],
  ])('says what is wrong with %j', async (args, exitCode, problem) => {
    const finished = await box.run(['review', ...args])
    expect(finished.stderr).toContain(problem)
    expect(finished.exitCode).toBe(exitCode)
  })
})
