import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workingOf } from '../../src/eval/lab/answer-shape.ts'
import { boundReport } from '../../src/eval/lab/bound.ts'
import { settingFor } from '../../src/eval/lab/fitted.ts'
import { METHODS } from '../../src/eval/lab/methods.ts'
import { bootstrapApgr, oracleApgr, type Routed, routingMetrics } from '../../src/eval/lab/metrics.ts'
import { readRecording } from '../../src/eval/lab/recording.ts'
import { crossValidated, neededOf, scoreOf } from '../../src/eval/lab/run.ts'
import { randomFrom } from '../../src/learn/random.ts'

const random = randomFrom(1)
const rows = (n: number, need: (wrong: boolean) => number): readonly Routed[] =>
  Array.from({ length: n }, () => {
    const local = random() < 0.6 ? 1 : 0
    return { need: need(local === 0), local, frontier: random() < 0.85 ? 1 : 0 }
  })

describe('the metrics of an order', () => {
  it('are those of a straight line for a random order', () => {
    const { apgr, cpt50, cpt80 } = routingMetrics(rows(20_000, () => random()))
    expect(apgr).toBeCloseTo(0.5, 1)
    expect(cpt50).toBeGreaterThan(45)
    expect(cpt50).toBeLessThan(55)
    expect(cpt80).toBeGreaterThan(75)
  })

  it('are the same when all needs are equal: a straight line in expectation', () => {
    const { apgr, cpt50 } = routingMetrics(rows(500, () => 1))
    expect(apgr).toBeCloseTo(0.5, 9)
    expect(cpt50).toBeCloseTo(50, 6)
  })

  it('are those counted by hand', () => {
    const four: readonly Routed[] = [
      { need: 4, local: 0, frontier: 1 },
      { need: 3, local: 1, frontier: 1 },
      { need: 2, local: 0, frontier: 1 },
      { need: 1, local: 1, frontier: 1 },
    ]
    // Scores .5, .75, .75, 1, 1 at quarters: the area is .8125, the gap .5.
    expect(routingMetrics(four)).toEqual({ apgr: 0.625, cpt50: 25, cpt80: 65, cpt95: 72.5 })
    expect(oracleApgr(four)).toBe(0.75)
  })

  it('are never better than the oracle', () => {
    for (let run = 0; run < 50; run++) {
      const drawn = rows(80, (wrong) => random() + (wrong ? 0.5 : 0))
      if (routingMetrics(drawn).apgr > oracleApgr(drawn) + 1e-9) throw new Error('an order beats the oracle')
    }
    const drawn = rows(300, (wrong) => random() + (wrong ? 1 : 0))
    const [low, high] = bootstrapApgr(drawn, randomFrom(2))
    expect(low).toBeLessThan(routingMetrics(drawn).apgr)
    expect(high).toBeGreaterThan(routingMetrics(drawn).apgr)
  })
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-lab-'))
  const draw = randomFrom(5)
  const lines = Array.from({ length: 600 }, (_, at) => {
    const isHard = draw() < 0.5
    const local = draw() < (isHard ? 0.2 : 0.95) ? 1 : 0
    const peer = local === 1 || draw() < 0.2 ? 'a' : 'b'
    const q = isHard ? `prove the theorem about rings ${at}` : `name the capital of country ${at}`
    const row = { id: at, split: at < 400 ? 'train' : 'dev', task: isHard ? 'algebra' : 'geography', q }
    return JSON.stringify({ ...row, s: [local, draw() < 0.95 ? 1 : 0, 1], a: ['a', 'a', peer], len: [10 + at, 20, 30] })
  })
  writeFileSync(join(folder, 'mine.jsonl.gz'), gzipSync(lines.join('\n')))
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ mine: { models: ['small', 'big', 'peer'] } }))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function scores(peers: string) {
  const recording = readRecording(join(folder, 'mine.jsonl.gz'))
  const context = {
    setting: settingFor(recording, { local: 'small', frontier: 'big', peers }),
    models: recording.models,
  }
  const [train, dev] = ['train', 'dev'].map((part) => recording.rows.filter(({ split }) => split === part))
  const found = METHODS.filter((method) => method.applies(context, recording.rows)).map((method) => {
    const state = JSON.parse(JSON.stringify(method.fit(train ?? [], context, 1)))
    return scoreOf(neededOf(dev ?? [], { method, state, context }), { method: method.name, context, seed: 1 })
  })
  return new Map(found.map((score) => [score.method, score]))
}

describe('the methods', () => {
  it('find what tells in a recording, by the question, the task and the peers, after a trip through JSON', () => {
    const found = scores('peer')
    const apgr = (name: string): number => found.get(name)?.apgr ?? 0
    expect(apgr('random')).toBeLessThan(0.6)
    expect(apgr('task prior')).toBeGreaterThan(0.65)
    expect(apgr('learned pre-router')).toBeGreaterThan(0.65)
    expect(apgr('agreement')).toBeGreaterThan(0.65)
    expect(apgr('learned gain')).toBeGreaterThan(apgr('task prior'))
    expect(found.get('agreement')?.localRunsPerRequest).toBe(2)
  })

  it('give the same figures for the same seed', () => {
    const [one, other] = [scores('peer'), scores('peer')]
    expect(other.get('learned gain')?.apgr).toBe(one.get('learned gain')?.apgr)
  })

  it('are cross-validated on rows that no fit has seen', () => {
    const recording = readRecording(join(folder, 'mine.jsonl.gz'))
    const context = { setting: settingFor(recording, { local: 'small', frontier: 'big' }), models: recording.models }
    const seen: (readonly string[])[] = []
    const needed = crossValidated(recording.rows, {
      method: {
        name: 'spy',
        about: '',
        applies: () => true,
        fit: (train) => ({ ids: new Set(train.map(({ id }) => id)) }),
        need: (state, { id }) => {
          seen.push([id])
          if ((state.ids as Set<string>).has(id)) throw new Error('a row was scored by a fit that saw it')
          return 0
        },
      },
      context,
      seed: 1,
    })
    expect(needed).toHaveLength(600)
    expect(new Set(seen.flat()).size).toBe(600)
  })
})

describe('a recording', () => {
  it.each([
    ['{"id": 1, "s": [1, 0]}', 'line 1: it has 2 scores for 3 models'],
    ['{"id": 1, "s": [1, 0, 7]}', 'line 1: s.2'],
    ['no json', 'line 1: the row'],
    ['', 'it holds no row'],
  ])('that is wrong is refused by line and field: %s', (line, problem) => {
    writeFileSync(join(folder, 'mine.jsonl'), line)
    expect(() => readRecording(join(folder, 'mine.jsonl'))).toThrow(problem)
  })

  it('that has no entry in the manifest is refused', () => {
    writeFileSync(join(folder, 'other.jsonl'), '{}')
    expect(() => readRecording(join(folder, 'other.jsonl'))).toThrow('it has no entry other')
    expect(() => readRecording(join(folder, 'absent.jsonl'))).toThrow()
  })
})

describe('the working of an answer', () => {
  it('does its calculations again and looks for the numbers of the question', () => {
    const [sums, wrong, , unused] = workingOf(
      '3 * 60 = 180, then 180 + 20 = 220.',
      'He runs 60 meters 3 times, and 7 more.',
    )
    expect([sums, wrong]).toEqual([2, 1])
    expect(unused).toBeCloseTo(1 / 3, 9)
  })
})

describe('the report of a bound', () => {
  it('shows the bound kept where the observed error breaks it', () => {
    const draw = randomFrom(9)
    const population = Array.from({ length: 2000 }, () => {
      const score = draw()
      return { score, isCorrect: draw() < 0.6 + 0.4 * Math.sqrt(score) }
    })
    const report = boundReport(
      population,
      { maxErrorRate: 0.1, confidence: 0.95 },
      { n: 300, resamplings: 300, seed: 1 },
    )
    expect(report.violations).toBeLessThanOrEqual(0.05)
    expect(report.naive.violations).toBeGreaterThan(0.25)
    expect(report.coverage).toBeGreaterThan(0.2)
  })
})
