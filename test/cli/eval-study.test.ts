import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

/** Made up for this test; two sets are enough to meet a head, a threshold, a written answer and every condition but buddy on documents. */
const GOOD = ['a warm and funny film', 'i loved every minute', 'a joy from start to end', 'superb and moving']
const BAD = ['a dull and lifeless film', 'i hated every minute', 'a bore from start to end', 'clumsy and tedious']

function review(id: number): string {
  const isGood = id % 2 === 0
  const words = (isGood ? GOOD : BAD)[Math.floor(id / 2) % 4]
  const label = isGood ? 'positive' : 'negative'
  return JSON.stringify({
    id: `r${id}`,
    input: `${words} , number ${id} .`,
    answers: [label],
    labels: ['positive', 'negative'],
  })
}

function sentence(id: number): string {
  const input = `Yesterday Ann Smith left Paris for the ${id}th time .`
  const entities = [
    { text: 'Ann Smith', label: 'PER' },
    { text: 'Paris', label: 'LOC' },
  ]
  return JSON.stringify({ id: `w${id}`, input, answers: [], meta: { entities } })
}

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(box.folder, 'data', name), lines.join('\n'))
  for (const part of ['tasks', 'streams']) mkdirSync(join(box.folder, 'data', part), { recursive: true })
  const numbers = (from: number, n: number) => Array.from({ length: n }, (_, id) => from + id)
  write('tasks/sst2.jsonl', numbers(0, 8).map(review))
  write('streams/sst2.jsonl', numbers(100, 60).map(review))
  write('tasks/wikigold.jsonl', numbers(0, 60).map(sentence))
})
afterAll(() => box.close())

/** A busy machine takes minutes for the dozens of local answers. */
const SLOW_MS = 600_000

const STUDY = ['eval', '--suite', 'published-study', '--data', 'data', '--sets', 'sst2,wikigold', '--fit', '20']

describe('spillway eval --suite published-study', () => {
  it(
    'puts the real local model under every condition, and says that the frontier is simulated',
    async () => {
      const { exitCode, stdout, stderr } = await box.run([...STUDY, '--limit', '1', '--out', 'run', '--json'])
      expect(stderr).not.toContain('"error"')
      expect(exitCode).toBe(0)
      const report = JSON.parse(stdout)
      expect(report).toMatchObject({ frontier: 'oracle', simulated: true, settings: { limit: 1, alpha: 0.1 } })
      const { local_only, frontier_only, oracle, random, buddy, consensus, advisor, local_in_words } = report.conditions
      expect(local_only).toMatchObject({ n: 2, frontierCalls: 0, costUsd: 0, escalated: 0, failures: 0 })
      expect(frontier_only).toMatchObject({ n: 2, frontierCalls: 2, escalated: 1 })
      expect(frontier_only.costUsd).toBeGreaterThan(0)
      expect(oracle.accuracy).toBeGreaterThanOrEqual(local_only.accuracy)
      expect([random.n, advisor.n, local_in_words.n]).toEqual([2, 2, 2])
      // Names and likeness have no span and no vote.
      expect([buddy.sets, consensus.sets]).toEqual([['sst2'], ['sst2']])
      const { sst2, wikigold } = report.perSet
      expect(sst2.fit).toMatchObject({ headRows: 8, labels: 12 })
      expect(wikigold.notMeasured).toHaveProperty('buddy')
      expect(wikigold.conditions.local_only.entities).toHaveProperty('precision')
      expect(report.published.note).toContain('not comparable')
      expect(report.conditions.advisor_hosted_worker).toMatchObject({ n: 2, escalated: 1 })
    },
    SLOW_MS,
  )

  it(
    'goes on with what is there: the same answers, and nothing is asked again',
    async () => {
      const rows = readFileSync(join(box.folder, 'run/rows.jsonl'), 'utf8')
      const local = readFileSync(join(box.folder, 'run/local.jsonl'), 'utf8')
      const before = JSON.parse(readFileSync(join(box.folder, 'run/study.json'), 'utf8'))
      const resumed = await box.run([...STUDY, '--limit', '1', '--out', 'run', '--resume', '--within', '0', '--json'])
      expect(resumed.exitCode).toBe(0)
      expect(JSON.parse(resumed.stdout).conditions).toEqual(before.conditions)
      expect(readFileSync(join(box.folder, 'run/rows.jsonl'), 'utf8')).toBe(rows)
      expect(readFileSync(join(box.folder, 'run/local.jsonl'), 'utf8')).toBe(local)
      const text = await box.run([...STUDY, '--limit', '1', '--out', 'run', '--resume'])
      expect(text.stdout).toMatch(/^SIMULATED: no frontier was called/)
      expect(text.stdout).toContain('Published (buddy-system')
    },
    SLOW_MS,
  )

  it.each([
    [['--out', 'run'], /holds the results of a study/],
    [['--out', 'run', '--resume', '--accuracy', '0.9'], /other options or data/],
    [['--data', 'nowhere'], /nowhere/],
    [['--sets', 'imdb'], /--sets imdb is not known/],
    [['--frontier', 'real'], /--frontier real needs a key/],
    [['--accuracy', '2'], /--accuracy 2 is not a number from 0 to 1/],
    [['--task', 'triage'], /--suite has data and a policy of its own/],
    [['--parallel', '4'], /--suite has data and a policy of its own/],
  ])('refuses %j', async (more, message) => {
    const { exitCode, stderr } = await box.run([...STUDY, '--limit', '1', ...more])
    expect(exitCode).not.toBe(0)
    expect(stderr).toMatch(message)
  })

  it('refuses a suite it does not know, and its options without a suite', async () => {
    expect((await box.run(['eval', '--suite', 'other'])).stderr).toContain('--suite other is not known')
    expect((await box.run(['eval', '--data', 'data'])).stderr).toContain('--data belongs to --suite')
  })
})
