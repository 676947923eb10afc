/**
 * `npm run bench:patterns -- [--json] [--rounds N] [--requests N]`: what a pattern adds to a request by itself. Scripted models answer at
 * once, so all time is the router's. Every case and the cascade that accepts take turns in each round; what is added is the difference
 * within a round, the work around further calls included. Processor time, which other programs move less than the clock does.
 */
import { parseArgs } from 'node:util'
import type { PolicyInput } from '../src/spec/policy.ts'
import type { ModelScript } from '../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../test/support/chat-task.ts'
import { sampleRouter } from '../test/support/sample-router.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '400' },
  },
})

interface Case {
  readonly name: string
  readonly pattern: NonNullable<NonNullable<PolicyInput['tasks']>[string]['pattern']>
  /** What the frontier says, call by call of one request; the last again and again. */
  readonly big?: readonly string[]
  readonly small?: readonly string[]
  readonly task?: NonNullable<PolicyInput['tasks']>[string]
  /** In place of the usual question. */
  readonly content?: string
}

const ANSWER = 'The report was written by Ada in May.'

/** As long as the question of the other cases, so that what is added is not its reading. */
const LOG = Array.from({ length: 18 }, (_, at) => `[ ${at} %] Building CXX object src/part${at}/unit.o`).join('\n')

/** One row a way through a pattern. */
const CASES: readonly Case[] = [
  { name: 'cascade, accepted', pattern: 'cascade' },
  { name: 'direct', pattern: 'direct' },
  { name: 'draft_verify, ACCEPT', pattern: 'draft_verify', big: ['ACCEPT'] },
  { name: 'draft_verify, REJECT', pattern: 'draft_verify', big: ['REJECT', ANSWER] },
  { name: 'advisor, APPROVE', pattern: 'advisor', big: ['APPROVE'] },
  { name: 'advisor, REDO then APPROVE', pattern: 'advisor', big: ['REDO\n1. Say who.', 'APPROVE'] },
  { name: 'advisor, before', pattern: { advisor: { when: 'before' } }, big: ['1. Say who.'] },
  {
    name: 'consensus, 2 of 3 agree',
    pattern: { consensus: { equality: 'exact' } },
    task: { local: ['small', 'peer'] },
  },
  { name: 'buddy, no clause in doubt', pattern: 'buddy' },
  {
    name: 'buddy, corrected without a document',
    pattern: 'buddy',
    task: { gates: { entropyNats: 0.8 } },
    small: ['Ben in May'],
    big: ['{"value":"Ada in May"}'],
  },
  {
    name: 'buddy, corrected from a document of 24 sentences',
    pattern: 'buddy',
    task: { kind: 'answer' },
    small: ['Ben'],
    big: ['{"value":"Ada","evidence":"written by Ada","at":0}'],
    content: `${'Owls hunt by night. They hear mice in the snow. Most of them live in woods. The report was written by Ada.\n\n'.repeat(6)}Who wrote the report?`,
  },
  {
    name: 'cascade, three tiers',
    pattern: 'cascade',
    small: ['I am sorry, but I cannot help with that.'],
    task: { local: ['small', 'peer'] },
  },
  {
    name: 'specialist, maths',
    pattern: 'specialist',
    content: `${'The report says so. '.repeat(40)}\n\nSolve 2x + 3 = 7 for x.`,
  },
  {
    name: 'specialist, summary',
    pattern: { specialist: { context: 'summary' } },
    content: `${'The report says so. '.repeat(40)}\n\nSolve 2x + 3 = 7 for x.`,
  },
  { name: 'assist, digest', pattern: 'direct', task: { local: false, assist: { minChars: 200 } }, content: LOG },
]
const [BASE] = CASES

const MODELS = {
  ...SMALL_AND_BIG,
  peer: { provider: 'ollama', model: 'qwen3:4b', tier: 'local_quality' },
} as const

const REQUEST = {
  messages: [
    { role: 'user', content: `Who wrote the report, according to the text? ${'The report says so. '.repeat(40)}` },
  ],
  metadata: { task: 'chat' },
} as const

/** Milliseconds of processor time a request, mean of a batch; and how many models were asked for each. */
async function batch(one: Case, requests: number): Promise<{ readonly ms: number; readonly calls: number }> {
  const { router, models } = sampleRouter({
    policy: {
      models: MODELS,
      tasks: {
        chat: {
          ...ACCEPTING,
          complexity: 'simple',
          pattern: one.pattern,
          ...one.task,
        },
      },
    },
    env: { KEY: 'k' },
    models: { small: says(one.small), peer: says(one.small), big: says(one.big) },
  })
  const started = process.cpuUsage()
  const { content } = one
  const request = content === undefined ? REQUEST : { ...REQUEST, messages: [{ role: 'user', content } as const] }
  for (let at = 0; at < requests; at++) await router.complete(request)
  const { user, system } = process.cpuUsage(started)
  const ms = (user + system) / 1000 / requests
  const calls = Object.values(models).reduce((sum, model) => sum + model.calls.length, 0) / requests
  await router.close()
  return { ms, calls }
}

function says(texts: readonly string[] = [ANSWER]): Omit<ModelScript, 'name'> {
  let at = 0
  return { answers: () => texts[at++ % texts.length] ?? ANSWER }
}

function spread(figures: readonly number[]) {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number): number => Number((sorted[Math.round(share * (sorted.length - 1))] ?? 0).toFixed(4))
  return { median: at(0.5), min: at(0), max: at(1) }
}

if (!BASE) throw new Error('there is no case')
const rounds = Number(values.rounds)
const requests = Number(values.requests)
const found = new Map(CASES.map(({ name }) => [name, { ms: [] as number[], added: [] as number[], calls: 0 }]))
for (const one of CASES) await batch(one, requests)
for (let round = 0; round < rounds; round++) {
  const turn = [...CASES.slice(round % CASES.length), ...CASES.slice(0, round % CASES.length)]
  const measured = new Map<string, { readonly ms: number; readonly calls: number }>()
  for (const one of turn) measured.set(one.name, await batch(one, requests))
  const base = measured.get(BASE.name)?.ms ?? 0
  for (const [name, { ms, calls }] of measured) {
    const row = found.get(name)
    row?.ms.push(ms)
    row?.added.push(ms - base)
    if (row) row.calls = calls
  }
}
const patterns = Object.fromEntries(
  [...found].map(([name, { ms, added, calls }]) => [name, { calls, cpuMs: spread(ms), addedMs: spread(added) }]),
)
const worst = Math.max(...Object.values(patterns).map(({ addedMs }) => addedMs.median))
console.log(JSON.stringify({ rounds, requests, limitMs: 0.3, worstAddedMs: worst, patterns }, null, 2))
