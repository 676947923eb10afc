import { describe, expect, it } from 'vitest'
import { fractionOf } from '../../src/eval/calibrate.ts'
import { type AskedSetup, fitHeadFromTraffic, type HeadFitRequest } from '../../src/eval/fit-head.ts'
import { DRAFT_FIGURES } from '../../src/learn/draft-figures.ts'
import type { KeptExample } from '../../src/spec/learned.ts'
import type { HeadExampleSet } from '../../src/spec/policy.ts'
import { headExampleSet } from '../../src/stores/head-examples.ts'
import { withLearned } from '../../src/stores/heads-in-force.ts'

const OPTIONS = ['build', 'test']
const ACCEPT = {
  uncalibrated: false,
  confidence: 0.95,
  auditRate: 0.02,
  labels: 'frontier',
  labelMaxAgeDays: 90,
} as const

/** Every fourth one was selected by a gate; the labels alternate. */
function examples(n: number): readonly KeptExample[] {
  return Array.from({ length: n }, (_, at) => ({
    requestId: `r${at}`,
    text: `text ${at}`,
    at: '2026-01-01T00:00:00.000Z',
    isFair: at % 4 !== 0,
    label: { value: OPTIONS[at % 2] ?? '', source: 'frontier' },
  }))
}

/** Answers that are right in this many of a hundred, by the number of the request; surer when right. */
function answering(right: number, setup: string) {
  return async (rows: readonly KeptExample[]): Promise<AskedSetup> => ({
    key: { digest: 'sha256:1', quantisation: 'Q4_1', servedBy: 'small', setup },
    answers: rows.map(({ requestId, label }) => {
      const isRight = (Number(requestId.slice(1)) * 37) % 100 < right
      const other = label?.value === 'build' ? 'test' : 'build'
      const figures = DRAFT_FIGURES.map((name) => (name === 'probability' ? (isRight ? 0.9 : 0.6) : null))
      return { requestId, answer: isRight ? (label?.value ?? '') : other, figures, passesChecks: true }
    }),
  })
}

interface Told extends Partial<HeadFitRequest> {
  readonly before?: number
  readonly after?: number
}

async function fitted({ before = 70, after = 90, ...own }: Told = {}) {
  const asked: { head: HeadExampleSet | undefined; ids: readonly string[] }[] = []
  const result = await fitHeadFromTraffic({
    task: 'triage',
    accept: ACCEPT,
    options: OPTIONS,
    kept: examples(400),
    inForce: undefined,
    withLearned: (rows) => withLearned(OPTIONS, undefined, rows),
    ask: (head, rows) => {
      asked.push({ head, ids: rows.map(({ requestId }) => requestId) })
      return answering(asked.length === 1 ? before : after, asked.length === 1 ? 'old' : 'new')(rows)
    },
    coverageOf: () => null,
    refits: 3,
    version: 2,
    now: '2026-01-02T00:00:00.000Z',
    ...own,
  })
  return { result, asked }
}

describe('a head from the traffic', () => {
  it('is trained on all selected labels and a fixed part of the fair ones, and compared on the rest', async () => {
    const { result, asked } = await fitted()
    const [first, second] = asked
    const trained = second?.head?.rows.map(({ text }) => text.replace('text ', 'r')) ?? []
    expect(first?.head).toBeUndefined()
    expect(first?.ids).toEqual(second?.ids)
    expect(trained.filter((id) => first?.ids.includes(id))).toEqual([])
    expect(trained.length + (first?.ids.length ?? 0)).toBe(400)
    expect(first?.ids.every((id) => Number(id.slice(1)) % 4 !== 0 && fractionOf(`head ${id}`) >= 0.35)).toBe(true)
    expect(result).toMatchObject({
      action: 'promoted',
      head: { version: 2, task: 'triage' },
      heldBack: first?.ids.length,
    })
    expect(result.gain?.interval[0]).toBeGreaterThan(0.1)
  })

  it('is not promoted when the paired interval does not exclude a loss of more than a point', async () => {
    const { result } = await fitted({ before: 80, after: 79 })
    expect(result).toMatchObject({
      action: 'not_promoted',
      head: null,
      why: 'it may lose more than a point of accuracy',
    })
  })

  it('is calibrated on the held-back part with the next share of the budget of the task', async () => {
    const { result, asked } = await fitted({ accept: { ...ACCEPT, maxErrorRate: 0.1 } })
    expect(result.calibration).toMatchObject({
      refit: 4,
      key: { task: 'triage', setup: 'new' },
      bound: { maxErrorRate: 0.1, confidence: 0.95 },
    })
    const used = (result.calibration?.proof.n ?? 0) + (result.calibration?.fitted.n ?? 0)
    expect(used).toBe(asked[1]?.ids.length)
    expect(result.calibration?.accept?.coverage).toBeGreaterThan(0.8)
    expect(result.action).toBe('promoted')
  })

  it('stays behind a gate in force that accepts as much', async () => {
    const keys: unknown[] = []
    const { result } = await fitted({
      accept: { ...ACCEPT, maxErrorRate: 0.1 },
      coverageOf: (key) => {
        keys.push(key.setup)
        return 0.99
      },
    })
    expect(keys).toEqual(['old'])
    expect(result).toMatchObject({ action: 'not_promoted', head: null })
    expect(result.why).toMatch(/^it would accept \d+\.\d % of the answers, now it is 99\.0 %$/)
  })

  it('is not fitted without enough fair examples, or without some of every label', async () => {
    const few = await fitted({ kept: examples(60) })
    expect(few.result).toMatchObject({ action: 'not_fitted' })
    expect(few.result.why).toMatch(/^only \d+ fair examples are held back to compare on, 50 are needed$/)
    const onesided = examples(400).map((row) => ({ ...row, label: { value: 'Build', source: 'gold' as const } }))
    expect((await fitted({ kept: onesided })).result.why).toBe('there are fewer than 3 examples of the label test')
    expect(few.asked).toEqual([])
  })

  it('takes no label of a source that is less sure than the bound names, and none that is no option', async () => {
    const thumbs = examples(400).map((row) => ({ ...row, label: { value: 'build', source: 'thumbs' as const } }))
    const strange = examples(400).map((row) => ({ ...row, label: { value: 'deploy', source: 'gold' as const } }))
    expect((await fitted({ kept: thumbs })).result.trainedOn).toBe(0)
    expect((await fitted({ kept: strange })).result.trainedOn).toBe(0)
  })

  it('is not fitted again without a new example', async () => {
    const { asked } = await fitted()
    const { result } = await fitted({ inForce: asked[1]?.head })
    expect(result).toMatchObject({ action: 'not_fitted', why: 'there is no new example' })
  })
})

describe('examples of policy and traffic together', () => {
  it("keep the policy's own first, each text once, and drop labels that are no options any more", () => {
    const own = headExampleSet([{ text: 'a', label: 'build' }], OPTIONS)
    const rows = [
      { text: 'a', label: 'test' },
      { text: 'b', label: 'test' },
      { text: 'c', label: 'gone' },
    ]
    expect(withLearned(OPTIONS, own, rows).rows).toEqual([
      { text: 'a', label: 'build' },
      { text: 'b', label: 'test' },
    ])
  })
})
