import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { reportHtml } from '../../src/eval/report/html.ts'
import { type EvalReport, reportOf } from '../../src/eval/report/report.ts'
import { type EvalRow, readDataset } from '../../src/eval/run/dataset.ts'
import { evalSetup, evaluate } from '../../src/eval/run/evaluate.ts'
import { type EvalRun, openResults } from '../../src/eval/run/results-file.ts'
import { sampled } from '../../src/eval/run/sample.ts'
import { callCost } from '../../src/models/prices.ts'
import { usageOf } from '../../src/models/usage.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'
import { scriptedModel } from '../../src/testing.ts'

const POLICY: PolicyInput = {
  models: {
    small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
    big: {
      provider: 'openai',
      model: 'gpt-4.1-nano',
      tier: 'frontier',
      apiKey: '${env:KEY}',
      priceUsdPerMillion: { input: 1_000_000, output: 0 },
    },
  },
  tasks: {
    triage: {
      kind: 'choice',
      labels: ['build', 'test'],
      local: 'small',
      minConfidence: 0.8,
      stage: 'shadow',
      accept: { uncalibrated: true, maxErrorRate: 0.1, auditRate: 1 },
      bars: { minAccuracy: 0.7, maxFalseAccepts: 0, minExpectedRoute: 1, maxHardStopAccepts: 0 },
    },
    chat: { local: 'small', accept: { uncalibrated: true }, gates: { entropyNats: null } },
  },
  bars: { minValidShape: 1 },
  budgets: { day: 0.000001 },
}
const RUN: EvalRun = {
  datasets: ['sha256:1'],
  policyDigest: 'sha256:2',
  frontier: 'assumed right',
  stage: 'accept',
  limit: null,
  seed: 1,
}
/** The local model says build; how surely stands in the input. */
const ROWS = [
  { id: 'right', input: 'p=0.95', expected: 'build', expectedRoute: 'local' },
  { id: 'false accept', input: 'p=0.90', expected: 'test', expectedRoute: 'local' },
  { id: 'false reject', input: 'p=0.60', expected: 'build', expectedRoute: 'local' },
  { id: 'escalated', input: 'p=0.55', expected: 'test', expectedRoute: 'frontier' },
]

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-evaluation-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function dataset(rows: readonly object[]): readonly EvalRow[] {
  const file = join(folder, 'rows.jsonl')
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return readDataset(file).rows
}

interface Wanted {
  readonly results?: string | null
  readonly mode?: 'new' | 'resume'
  readonly parallel?: number
  readonly answers?: (text: string) => string
}

async function report(rows: readonly EvalRow[], wanted: Wanted = {}): Promise<EvalReport & { readonly asked: number }> {
  const loaded = validatePolicy(POLICY, { file: 'policy.yaml', env: {} })
  const setup = evalSetup(loaded, { ...RUN, estimate: (call, chars) => usageOf(null, call, chars) })
  const small = scriptedModel({
    name: 'small',
    decisions: ({ input }) => {
      const probability = Number(/p=([\d.]+)/.exec(input)?.[1] ?? 0.5)
      return { probabilities: { build: probability, test: 1 - probability } }
    },
    answers: (call) => wanted.answers?.(String(call.messages.at(-1)?.content)) ?? 'It is Paris.',
  })
  const router = createRouter({
    policy: setup.loaded,
    models: { ...setup.models, small },
    env: {},
    auditDir: join(folder, 'audit'),
    onDraft: setup.onDraft,
    availableMemory: () => 1e12,
  })
  try {
    const results = await evaluate({
      rows,
      router,
      setup,
      results: openResults(wanted.results ?? null, RUN, wanted.mode ?? 'new'),
      parallel: wanted.parallel ?? 1,
      price: (model, call, chars) => callCost(model, usageOf(null, call, chars), model.model).costUsd,
      signal: new AbortController().signal,
      told: () => undefined,
    })
    const made = reportOf({ run: RUN, datasets: ['rows.jsonl'], loaded, rows: results, at: '2026-01-01T00:00:00.000Z' })
    return { ...made, asked: small.decideCalls.length + small.calls.length }
  } finally {
    await router.close()
  }
}

describe('an evaluation', () => {
  it('counts right answers, local ones, false accepts and false rejects, without a key or a call of the frontier', async () => {
    const { all, faults } = await report(dataset(ROWS.map((row) => ({ ...row, task: 'triage' }))))
    expect(all).toMatchObject({
      n: 4,
      failed: 0,
      accuracy: { count: 3, n: 4, share: 0.75 },
      draftAccuracy: { count: 2, n: 4 },
      localShare: { count: 2, n: 4, share: 0.5 },
      acceptedAccuracy: { count: 1, n: 2 },
      falseAccepts: 1,
      falseRejects: 1,
      expectedRoute: { count: 3, n: 4 },
      validShape: { count: 4, n: 4 },
      reasons: { confidence_low: 2, local_accepted: 2 },
      callsPerRequest: { local: 1, frontier: 0.5 },
    })
    expect(faults.map(({ kind, id, reason }) => [kind, id, reason])).toEqual([
      ['false accept', 'false accept', 'local_accepted'],
      ['false reject', 'false reject', 'confidence_low'],
    ])
  })

  it('draws what every threshold on the score would have done', async () => {
    const { all } = await report(dataset(ROWS.map((row) => ({ ...row, task: 'triage' }))))
    expect(all.score).toMatchObject({ name: 'probability', auroc: 0.75 })
    expect(all.score.riskCoverage).toEqual([
      { threshold: 0.95, coverage: 0.25, risk: 0 },
      { threshold: 0.9, coverage: 0.5, risk: 0.5 },
      { threshold: 0.6, coverage: 0.75, risk: 1 / 3 },
      { threshold: 0.55, coverage: 1, risk: 0.5 },
    ])
    expect(all.score.qualityCost.map(({ threshold, accuracy }) => [threshold, accuracy])).toEqual([
      [null, 1],
      [0.95, 1],
      [0.9, 0.75],
      [0.6, 0.75],
      [0.55, 0.5],
    ])
    const [frontier, ...others] = all.score.qualityCost
    expect(frontier?.meanCostUsd).toBeCloseTo(
      all.costUsd.frontierOnly === null ? Number.NaN : all.costUsd.frontierOnly / 4,
    )
    expect(others.at(-1)?.meanCostUsd).toBe(0)
  })

  it('holds the bars of the policy and of each task against what it found', async () => {
    const { bars } = await report(dataset(ROWS.map((row) => ({ ...row, task: 'triage' }))))
    expect(bars.map(({ bar, task, value, n, isMet }) => [bar, task, value, n, isMet])).toEqual([
      ['minValidShape', null, 1, 4, true],
      ['minAccuracy', 'triage', 0.75, 4, true],
      ['maxFalseAccepts', 'triage', 1, 4, false],
      ['maxHardStopAccepts', 'triage', null, 0, false],
      ['minExpectedRoute', 'triage', 0.75, 4, false],
    ])
  })

  it('tells hard stops that were answered locally from those that were not', async () => {
    const rows = [
      { task: 'triage', input: 'p=0.99', hardStop: true, expected: 'build' },
      {
        task: 'triage',
        input: 'p=0.99 the password leaked: permission denied, 401',
        hardStop: true,
        expected: 'build',
      },
    ]
    const { all, bars } = await report(dataset(rows))
    expect(all.hardStopAccepts).toMatchObject({ count: 1, n: 2 })
    expect(bars.find(({ bar }) => bar === 'maxHardStopAccepts')).toMatchObject({ value: 1, isMet: false })
  })

  it('compares free text as the row says, and checks its shape', async () => {
    const rows = [
      { task: 'chat', input: 'a', expected: 'Paris', compare: 'contains' },
      { task: 'chat', input: 'b', expected: 'Paris' },
      { task: 'chat', input: 'c', expected: ['It is Lyon', 'it is paris'] },
      { task: 'chat', input: 'number', expected: 42, compare: 'numeric', expectedShape: 'json' },
      { task: 'chat', input: 'json', expected: '{"a":1,"b":2}', expectedShape: { type: 'object', required: ['a'] } },
    ]
    const answers = (text: string) => ({ number: 'The sum is 42.0', json: '{"b": 2, "a": 1}' })[text] ?? 'It is Paris.'
    const { all, faults } = await report(dataset(rows), { answers })
    expect(faults.map(({ id }) => id)).toEqual(['line 2'])
    expect(all.validShape).toMatchObject({ count: 1, n: 2 })
  })

  it('gives the same report whatever the number of rows at once', async () => {
    const rows = dataset(
      Array.from({ length: 30 }, (_, at) => ({ task: 'triage', input: `p=0.${50 + at}`, expected: 'build' })),
    )
    const timeless = ({ all, tasks, faults, bars }: EvalReport) =>
      JSON.stringify({
        all: { ...all, latencyMs: 0 },
        tasks: tasks.map((task) => ({ ...task, latencyMs: 0 })),
        faults,
        bars,
      })
    expect(timeless(await report(rows, { parallel: 8 }))).toBe(timeless(await report(rows)))
  })

  it('goes on where it stopped, and a line that a crash cut off is asked again', async () => {
    const rows = dataset(ROWS.map((row) => ({ ...row, task: 'triage' })))
    const results = join(folder, 'results.jsonl')
    const whole = await report(rows, { results })
    expect(whole.asked).toBe(4)
    const lines = readFileSync(results, 'utf8').split('\n')
    writeFileSync(results, `${lines.slice(0, 3).join('\n')}\n${lines[3]?.slice(0, 50)}`)
    const resumed = await report(rows, { results, mode: 'resume' })
    expect(resumed.asked).toBe(2)
    expect(resumed.all.accuracy).toEqual(whole.all.accuracy)
    expect(readFileSync(results, 'utf8').split('\n')).toHaveLength(6)
  })

  it('refuses to write over results, and to go on with those of another evaluation', () => {
    const file = join(folder, 'results.jsonl')
    openResults(file, RUN, 'new')
    expect(() => openResults(file, RUN, 'new')).toThrow(/holds the results of an evaluation/)
    expect(() => openResults(file, { ...RUN, policyDigest: 'sha256:3', seed: 2 }, 'resume')).toThrow(
      /another evaluation \(policyDigest, seed differ\)/,
    )
  })

  it('makes up no answer for a row without a right one when the frontier is not called', async () => {
    const { all, faults } = await report(dataset([{ task: 'triage', input: 'p=0.5' }]))
    expect(all).toMatchObject({ n: 1, failed: 0, accuracy: { n: 0, share: null }, validShape: { n: 0 } })
    expect(all.reasons).toEqual({ confidence_low: 1 })
    expect(faults).toEqual([])
  })
})

describe('the page of an evaluation', () => {
  it('holds every figure and plot, escapes what rows say, and needs nothing from elsewhere', async () => {
    const rows = dataset([
      ...ROWS.map((row) => ({ ...row, task: 'triage' })),
      { id: '<script>alert(1)</script>', task: 'triage', input: 'p=0.9', expected: 'test' },
    ])
    const html = reportHtml(await report(rows))
    expect(html).toContain('60.0 % (23.1 to 88.2; 3 of 5)')
    expect(html.match(/<svg/g)).toHaveLength(3)
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).not.toMatch(/<script|https?:|NaN|undefined/)
  })
})

describe('a dataset', () => {
  const refused = (line: string) => {
    const file = join(folder, 'bad.jsonl')
    writeFileSync(file, line)
    return () => readDataset(file)
  }

  it('names the line and the field that is wrong', () => {
    expect(refused('{"input":"a"}\nno')).toThrow(/line 2 is no JSON/)
    expect(refused('{"input":"a","expcted":"b"}')).toThrow(/line 1: .*expcted/)
    expect(refused('{"expected":"b"}')).toThrow(/needs either input or messages/)
    expect(refused('{"id":"x","input":"a"}\n{"id":"x","input":"b"}')).toThrow(/two rows have the id x/)
    expect(refused('\n')).toThrow(/holds no row/)
    expect(() => readDataset(join(folder, 'absent.jsonl'))).toThrow(/absent.jsonl/)
  })

  it('is drawn from by a seed, in its own order', () => {
    const rows = dataset(Array.from({ length: 20 }, (_, at) => ({ id: String(at), input: 'a' })))
    const ids = (seed: number) => sampled(rows, 5, seed).map(({ id }) => Number(id))
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1)).not.toEqual(ids(2))
    expect(ids(1)).toEqual(ids(1).toSorted((a, b) => a - b))
    expect(ids(1)).toHaveLength(5)
  })
})
