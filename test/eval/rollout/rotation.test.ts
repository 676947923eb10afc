import { describe, expect, it } from 'vitest'
import { labelledDrafts } from '../../../src/eval/labelled-drafts.ts'
import { planCandidate, rotationChange } from '../../../src/eval/rollout/rotate.ts'
import { type RotationReport, rotationReport } from '../../../src/eval/rollout/rotation.ts'
import type { AuditRecord } from '../../../src/spec/audit.ts'
import { DEFAULT_TASK, type PolicyInput } from '../../../src/spec/policy.ts'
import type { Candidate } from '../../../src/spec/rotation.ts'
import { validatePolicy } from '../../../src/stores/policy-file.ts'
import { candidateRecord, type Tried } from '../../support/candidate-record.ts'

const CANDIDATE: Candidate = {
  id: 'candidate-1',
  task: 'triage',
  setup: { model: 'other', replaces: 'small', prompt: null, promptHash: null, labels: null, over: 'sha256:w' },
  maxLoss: 0.02,
  why: 'smaller',
  by: 'me',
  at: '2026-01-01T00:00:00.000Z',
  policyDigest: 'sha256:p',
}

function reportOn(
  records: readonly AuditRecord[],
  accept: object = {},
  basis: 'drawn' | 'people' = 'drawn',
): RotationReport {
  const task = { accept: { ...DEFAULT_TASK.accept, ...accept } }
  return rotationReport({ records, candidate: CANDIDATE, task, options: 3, basis })
}

const many = (n: number, tried: Tried, from = 0): readonly AuditRecord[] =>
  Array.from({ length: n }, (_, at) => candidateRecord(`r${tried.before}-${tried.now}-${from + at}`, tried))

const right = { truth: 'test', before: 'test', now: 'test' }
const lost = { truth: 'test', before: 'test', now: 'build' }
const gained = { truth: 'build', before: 'test', now: 'build' }
const bothWrong = { truth: 'network', before: 'test', now: 'build' }

describe('the verdict on a candidate', () => {
  it('is better when it is shown to be wrong less often', () => {
    const report = reportOn([...many(150, right), ...many(30, gained), ...many(2, lost)])
    expect(report).toMatchObject({
      verdict: 'better',
      pairs: 182,
      missing: [],
      errors: { n: 182, lost: 2, gained: 30 },
      incumbent: { errors: { n: 182, wrong: 30 } },
      challenger: { errors: { n: 182, wrong: 2 } },
      changed: { compared: 182, answers: 32 },
      sources: { frontier: 182 },
    })
    expect(report.errors.bounds.upper).toBeLessThan(0)
  })

  it('is no worse when the loss is shown to be less than was allowed beforehand', () => {
    expect(reportOn(many(300, right)).verdict).toBe('no_worse')
    const report = reportOn([...many(1500, right), ...many(10, gained), ...many(10, lost)])
    expect(report).toMatchObject({ verdict: 'no_worse', missing: [] })
  })

  it('is worse when errors are shown to rise', () => {
    const report = reportOn([...many(100, right), ...many(20, lost)])
    expect(report.verdict).toBe('worse')
    expect(report.missing[0]).toMatch(/^wrong answers rise: 20 lost and 0 gained of 120, shown to be .* points more/)
  })

  it('is worse when it is as right, and its gates accept what is wrong', () => {
    const careless = { ...bothWrong, wasAccepted: false }
    const report = reportOn([...many(100, right), ...many(20, careless)])
    expect(report).toMatchObject({
      verdict: 'worse',
      errors: { lost: 0, gained: 0 },
      falseAccepts: { lost: 20, gained: 0 },
      changed: { nowAccepted: 20, nowEscalated: 0 },
    })
    expect(report.missing[0]).toContain('false accepts rise')
  })

  it('is not enough before that, and says how much is missing', () => {
    const report = reportOn(many(60, right))
    expect(report.verdict).toBe('not_enough')
    expect(report.missing[0]).toMatch(/needs about \d+ more labelled pairs$/)
    expect(reportOn([])).toMatchObject({
      verdict: 'not_enough',
      missing: ['no request came in which the model in force was asked'],
    })
    const dropped = candidateRecord('d', right)
    const { candidate: _, ...without } = dropped
    expect(reportOn([{ ...without, candidateDropped: 'memory_no_fit' }])).toMatchObject({
      dropped: { memory_no_fit: 1 },
      missing: ['no request was answered by both; 1 were left out for memory_no_fit'],
    })
  })

  it('counts an answer that never came as a wrong one', () => {
    const report = reportOn([...many(100, right), ...many(25, { ...right, now: null })])
    expect(report).toMatchObject({ verdict: 'worse', challenger: { answered: 100, failed: 25 }, errors: { lost: 25 } })
  })
})

describe('a candidate for work that no frontier sees', () => {
  const alike = { before: 'test', now: 'test', isFair: false }
  const other = { before: 'test', now: 'build', isFair: false }
  const said = (isCandidateCorrect: boolean) => ({
    ...{ source: 'human' as const, isCorrect: !isCandidateCorrect, isCandidateCorrect },
    at: '2026-01-02T00:00:00.000Z',
  })
  const labelled = (n: number, isRight: boolean) => many(n, { ...other, record: { labels: [said(isRight)] } }, 1000)

  it('needs labels only where the two differ, and is not let in before they are there', () => {
    expect(reportOn(many(300, alike), {}, 'people')).toMatchObject({ verdict: 'no_worse', pairs: 300, unlabelled: [] })
    const open = reportOn([...many(300, alike), ...many(30, other)], {}, 'people')
    expect(open).toMatchObject({ verdict: 'not_enough', errors: { n: 330, lost: 0, openLost: 30, openGained: 30 } })
    expect(open.unlabelled).toHaveLength(20)
    expect(open.missing[0]).toBe(
      'wrong answers: 30 of 330 pairs may be lost until somebody says what is right (spillway feedback)',
    )
  })

  it('is better or worse by what people say', () => {
    expect(reportOn([...many(100, alike), ...labelled(30, true)], {}, 'people').verdict).toBe('better')
    expect(reportOn([...many(100, alike), ...labelled(30, false)], {}, 'people').verdict).toBe('worse')
  })

  it('gains nothing by labels that somebody chose: those that are missing count against it', () => {
    const chosen = [...many(100, alike), ...labelled(15, true), ...many(30, other)]
    expect(reportOn(chosen, {}, 'people').verdict).toBe('not_enough')
  })

  it('is open where only one of two answers alike would be served', () => {
    const careless = { ...alike, wasAccepted: false }
    expect(reportOn([...many(300, alike), ...many(5, careless)], {}, 'people')).toMatchObject({
      errors: { openLost: 0 },
      falseAccepts: { openLost: 5, openGained: 0 },
      unlabelled: expect.objectContaining({ length: 5 }),
    })
  })
})

describe('a report', () => {
  it('says for each label how often both were wrong', () => {
    const { labels } = reportOn([...many(4, right), ...many(3, gained), ...many(2, lost), ...many(1, bothWrong)])
    expect(labels).toMatchObject([
      { label: 'test', n: 6, incumbent: { wrong: 0 }, candidate: { wrong: 2, rate: 2 / 6 } },
      { label: 'build', n: 3, incumbent: { wrong: 3 }, candidate: { wrong: 0 } },
      { label: 'network', n: 1, incumbent: { wrong: 1 }, candidate: { wrong: 1 } },
    ])
    expect(labels[0]?.candidate.upper).toBeGreaterThan(2 / 6)
  })

  it('tells time, cost and what the gates said of both', () => {
    const rejected = { ...right, isAccepted: false, reason: 'uncalibrated' as const, localMs: 100 }
    const report = reportOn([...many(30, right), ...many(70, rejected)], { maxErrorRate: 0.05 })
    expect(report).toMatchObject({
      incumbent: { accepted: 100, latencyMs: { p50: 40, p95: 40 }, acceptUsd: 0 },
      challenger: { accepted: 30, latencyMs: { p50: 100, p95: 100 }, reasons: [{ reason: 'uncalibrated', count: 70 }] },
      changed: { nowEscalated: 70, nowAccepted: 0 },
    })
    // Where it would escalate, what the frontier cost comes on top.
    expect(report.challenger.acceptUsd).toBeCloseTo(0.007)
    expect(report.notes).toContain(
      'No threshold is proven for the candidate: run `spillway calibrate` before it takes over.',
    )
  })

  it('believes people before the frontier, and says where a label is only likeness to it', () => {
    const said = (isCorrect: boolean) => ({ source: 'human' as const, isCorrect, at: '2026-01-02T00:00:00.000Z' })
    // The frontier is wrong, and so is the candidate that repeats it.
    const corrected = candidateRecord('p1', { ...gained, record: { labels: [said(true)] } })
    const agreed = candidateRecord('p2', { ...right, record: { labels: [said(false)] } })
    const report = reportOn([corrected, agreed, ...many(1, right)])
    expect(report).toMatchObject({ sources: { human: 2, frontier: 1 }, errors: { n: 3, lost: 1, gained: 0 } })
    expect(report.notes).toEqual(['1 of 3 labels are answers of the frontier: errors there are differences from it.'])
    expect(reportOn(many(2, right)).notes).toEqual([
      'Every label is the answer of the frontier: errors are differences from it.',
    ])
  })

  it('leaves out labels that say nothing of the candidate, and those of requests that somebody picked', () => {
    const wrong = { source: 'human' as const, isCorrect: false, at: '2026-01-02T00:00:00.000Z' }
    const unclear = candidateRecord('u', { before: 'test', now: 'build', record: { labels: [wrong] } })
    const told = candidateRecord('t', {
      ...{ before: 'test', now: 'build' },
      record: { labels: [{ ...wrong, isCandidateCorrect: true }] },
    })
    const picked = candidateRecord('k', { ...gained, isFair: false })
    expect(reportOn([unclear, told, picked])).toMatchObject({ pairs: 1, unclear: 1, picked: 1, errors: { gained: 1 } })
  })

  it('is about one model and prompt: others, and other candidates, do not count', () => {
    const earlier = many(40, { ...lost, digest: 'sha256:earlier' })
    const elses = candidateRecord('e', { ...right, candidate: { candidate: 'candidate-0' } })
    const failed = many(2, { ...right, now: null })
    expect(reportOn([...failed, ...earlier, elses, ...many(20, right)])).toMatchObject({
      ...{ runs: 20, ofOthers: 42 },
      challenger: { model: { name: 'other', identity: { digest: 'sha256:c' } } },
      errors: { lost: 0 },
    })
  })

  it('counts false accepts anew when another threshold decides, and errors on', () => {
    const careless = { ...bothWrong, wasAccepted: false }
    const fitted = many(30, right).map((record): AuditRecord => {
      const { candidate } = record
      if (!candidate?.draft) throw new Error('no draft')
      return { ...record, candidate: { ...candidate, draft: { ...candidate.draft, calibration: 'triage-1' } } }
    })
    expect(reportOn([...many(10, careless), ...fitted])).toMatchObject({
      errors: { n: 40 },
      falseAccepts: { n: 30, lost: 0 },
      challenger: { falseAccepts: 0 },
    })
  })

  it('leaves drafts that calibration can learn from, right or wrong by themselves', () => {
    const [own, tried] = labelledDrafts([...many(2, gained), ...many(1, { ...right, isFair: false })], 'frontier')
    expect(own?.drafts.map(({ isCorrect }) => isCorrect)).toEqual([false, false, true])
    expect(tried).toMatchObject({ key: { digest: 'sha256:c' } })
    expect(tried?.drafts.map(({ isCorrect }) => isCorrect)).toEqual([true, true, true])
  })
})

describe('a candidate that is planned', () => {
  const policyWith = (task: object): PolicyInput => ({
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
      other: { provider: 'embedded', model: 'smollm2-360m-instruct', tier: 'local_quality' },
      big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
    },
    tasks: { triage: { kind: 'choice', labels: ['build', 'test'], local: 'small', frontier: 'big', ...task } },
  })
  const planned = (wanted: object, task: object = {}) => {
    const { policy } = validatePolicy(policyWith(task), { file: 'p.yaml', env: { KEY: 'k' } })
    const given = { model: null, prompt: null, labels: null, ...wanted }
    return planCandidate(given, { name: 'triage', policy, setup: undefined })
  }

  it('replaces the first local model, by name or by tier, and keeps what it leaves out', () => {
    expect(planned({ model: 'other' })).toMatchObject({ setup: { model: 'other', replaces: 'small', prompt: null } })
    expect(planned({ model: 'other' }, { local: 'local_fast' })).toMatchObject({ setup: { replaces: 'small' } })
    expect(planned({ labels: ['test', 'build'] })).toMatchObject({
      setup: { model: 'small', labels: ['test', 'build'] },
    })
  })

  it.each([
    [{ model: 'othr' }, {}, 'Did you mean other?'],
    [{ model: 'big' }, {}, 'none may leave this machine'],
    [{ model: 'small' }, {}, 'that is what answers now'],
    [{}, {}, 'that is what answers now'],
    [{ labels: ['build'] }, {}, 'these are not the labels'],
    [{ labels: ['a'] }, { kind: 'text', labels: undefined }, 'has no labels to order'],
    [{ prompt: { version: 'v2' } }, {}, 'neither system nor shots'],
    [{ prompt: { shots: [{ input: 'x', output: 'deploy' }] } }, {}, 'no option of the task'],
    [{ model: 'other' }, { local: undefined }, 'names no local model'],
    [{ model: 'other' }, { pattern: { consensus: { with: ['small', 'big'] } } }, 'voters of its consensus'],
  ])('is refused: %j of %j', (wanted, task, said) => {
    expect(JSON.stringify(planned(wanted, task))).toContain(said)
  })

  it('changes what answers and not the stage, with the evidence in words', () => {
    const report = reportOn([...many(150, right), ...many(30, gained), ...many(2, lost)])
    const change = rotationChange({
      ...{ id: 'rotate-1', report, stage: 'accept', setup: undefined, inForce: null, written: undefined },
      ...{ policyDigest: 'sha256:p', maxErrorRate: 0.05, why: 'better', by: 'me', at: '2026-01-02T00:00:00.000Z' },
    })
    expect(change).toMatchObject({
      ...{ action: 'rotate', from: 'accept', to: 'accept', over: null, after: null, setup: CANDIDATE.setup },
      model: { name: 'other' },
      evidence: { n: 182, errors: 2, detail: expect.stringMatching(/^better: wrong 2 of 182, before 30 of 182/) },
    })
    expect(change).not.toHaveProperty('setupBefore')
  })
})
