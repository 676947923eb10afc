/** The steps of the month, in order. Each takes the rows that it needs from the front of the stream; none is asked twice. */
import type { RotationReport } from '../../src/eval/rollout/rotation.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import { type RolloutChange, stageName, stageText } from '../../src/spec/rollout.ts'
import type { StreamRow } from '../learning/vectors.ts'
import { type Ended, FRONTIER_ACCURACY, openWorld, type Places, type World } from './world.ts'

const TASK = 'topic'
/** The same task without a local model, to compare how long callers wait. */
const DIRECT = 'topic_direct'
/** The same task without a frontier: its first answer waits until the head is fitted. */
const LOCAL = 'topic_local'
/** The same weights asked in words. */
const WORSE = 'words'
/** Share of accepted answers that may differ from the frontier's, which are wrong in 2 % themselves. */
const MAX_ERROR_RATE = 0.25
const EXAMPLES = 300
const CALIBRATION = 300
const COMPARED = 150
const LEAST_SHADOWED = 1000
/** How often somebody looks whether it is enough; the test may be looked at at any time. */
const LOOK_EVERY = 50
/** Of the requests in stage accept that the frontier answers all the same, for labels. */
const AUDIT_RATE = 0.2

export interface MonthSettings {
  readonly news: readonly StreamRow[]
  readonly reviews: readonly StreamRow[]
  readonly say: (line: string) => void
}

export async function playMonth({ news, reviews, say }: MonthSettings) {
  const half = news.length / 2
  const [examples, learned] = [news.slice(0, EXAMPLES), news.slice(EXAMPLES, half)]
  await using world = await openWorld({ rows: [...news, ...reviews], examples, policy: policyOf })
  // What nothing was learned from is new to everybody, in whichever half it lies.
  const rest = [...learned.slice(CALIBRATION), ...news.slice(half)]
  const take = (count: number): readonly StreamRow[] => rest.splice(0, count)
  say('fitting a head')
  await askAll(examples.slice(0, 1), world, LOCAL)
  const direct = await askAll(take(COMPARED), world, DIRECT)
  say('shadow')
  const shadow = await shadowed(world, { learned, take, say })
  say(`day ${world.day()}: canary`)
  const canary = await promote(world, { take, say, why: 'the bars are met' })
  say(`day ${world.day()}: accept`)
  const accept = await promote(world, { take, say, why: 'the canary shows the same' })
  const accepted = await askAll(take(100), world, TASK)
  say(`day ${world.day()}: a candidate`)
  const rotation = await rotated(world, { take, say })
  say(`day ${world.day()}: reviews come in`)
  const drift = await drifted(world, reviews)
  return {
    frontier: `simulated, ${FRONTIER_ACCURACY * 100} % right`,
    shadow: {
      requests: shadow.requests,
      dropped: world.router.status().shadows.dropped,
      extraCloudCalls: shadow.cloudCalls - shadow.requests,
      callerDelayMs: difference(shadow.waitedMs, direct.waitedMs),
    },
    promote: canary,
    accept,
    accepted: { requests: accepted.outcomes.length, local: shareLocal(accepted) },
    rotation,
    drift,
    days: world.day(),
  }
}

function policyOf({ examples, frontierUrl, wordsUrl }: Places): object {
  const task = {
    kind: 'choice',
    description: 'What is this news about?',
    labels: ['World', 'Sports', 'Business', 'Science/Technology'],
    frontier: 'big',
  }
  return {
    models: {
      small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 },
      big: {
        provider: 'openai',
        model: 'gpt-4.1-nano',
        tier: 'frontier',
        baseUrl: frontierUrl,
        apiKey: '${env:MONTH_KEY}',
      },
      [WORSE]: {
        provider: 'openai',
        model: 'auto',
        tier: 'local_quality',
        baseUrl: wordsUrl,
        apiKey: '${env:WORDS_KEY}',
      },
    },
    tasks: {
      [TASK]: {
        ...task,
        local: 'small',
        stage: 'shadow',
        head: { examples },
        accept: { maxErrorRate: MAX_ERROR_RATE, labels: 'frontier', auditRate: AUDIT_RATE },
      },
      [DIRECT]: { ...task, local: false },
      [LOCAL]: { ...task, local: 'small', frontier: false, head: { examples }, accept: { uncalibrated: true } },
    },
    // A head is fitted in minutes.
    deadlines: { local_fast: { total: '30m', firstByte: '30m', idle: '30m' } },
    // Masked texts would be unknown to the simulated frontier, and news are no secrets.
    privacy: { default: 'public' },
    cache: { exact: false },
  }
}

interface Asked {
  readonly outcomes: readonly AuditRecord['route'][]
  readonly waitedMs: readonly number[]
}

async function askAll(rows: readonly StreamRow[], world: World, task: string): Promise<Asked> {
  const asked: { route: AuditRecord['route']; waitedMs: number }[] = []
  for (const row of rows) {
    const { outcome, waitedMs } = await world.ask(row, task)
    asked.push({ route: outcome.decision.route, waitedMs })
  }
  return { outcomes: asked.map(({ route }) => route), waitedMs: asked.map(({ waitedMs }) => waitedMs) }
}

function shareLocal({ outcomes }: Asked): number {
  return Number((outcomes.filter((route) => route === 'local').length / outcomes.length).toFixed(3))
}

interface Rows {
  /** The next ones of those that nothing was learned from. */
  readonly take: (count: number) => readonly StreamRow[]
  readonly say: (line: string) => void
}

/** A threshold is proven on labels of the shadow; later requests show whether it holds. */
async function shadowed(world: World, { learned, take, say }: Rows & { readonly learned: readonly StreamRow[] }) {
  const callsBefore = world.cloudCalls()
  const parts = [await askAll(learned.slice(0, CALIBRATION), world, TASK)]
  await world.idle()
  const calibrated = requireOk(await world.command('calibrate', TASK))
  say(`day ${world.day()}: ${JSON.stringify(calibrated)}`)
  const asked = () => parts.flatMap(({ outcomes }) => outcomes).length
  while (asked() < LEAST_SHADOWED) parts.push(await askAll(take(LOOK_EVERY), world, TASK))
  await world.idle()
  const [requests, cloudCalls] = [asked(), world.cloudCalls() - callsBefore]
  return { requests, cloudCalls, waitedMs: parts.flatMap(({ waitedMs }) => waitedMs) }
}

/** Orders the next stage again and again, with more requests between, until the evidence is enough. */
async function promote(world: World, { take, say, why }: Rows & { readonly why: string }) {
  for (let refused = 0; ; refused++) {
    const ended = await world.command('rollout', 'promote', TASK, '--why', why)
    if (ended.exitCode === 0) {
      const { from, to, evidence } = ended.value as RolloutChange
      return { from: stageText(from), to: stageText(to), evidence, refused, day: world.day() }
    }
    say(`day ${world.day()}: ${ended.problem}`)
    const rows = take(LOOK_EVERY)
    if (ended.exitCode !== 6 || rows.length < LOOK_EVERY) throw new Error(`no promotion: ${ended.problem}`)
    await askAll(rows, world, TASK)
    await world.idle()
  }
}

/** A candidate that is worse is tried until that is shown, and is not let in. */
async function rotated(world: World, { take, say }: Rows) {
  requireOk(await world.command('rollout', 'candidate', 'start', TASK, '--model', WORSE, '--why', 'no head to keep'))
  for (;;) {
    const rows = take(LOOK_EVERY)
    await askAll(rows, world, TASK)
    await world.idle()
    const report = requireOk(await world.command('rollout', 'candidate', 'report', TASK)) as readonly RotationReport[]
    const [found] = report
    if (!found) throw new Error('there is no report on the candidate')
    const { verdict, pairs, runs, errors, changed } = found
    say(`day ${world.day()}: ${verdict}, ${pairs} pairs of ${runs}`)
    if (verdict === 'not_enough' && rows.length === LOOK_EVERY) continue
    const promoted = await world.command('rollout', 'candidate', 'promote', TASK, '--why', 'let it in')
    requireOk(await world.command('rollout', 'candidate', 'discard', TASK, '--why', verdict))
    return {
      verdict,
      pairs,
      runs,
      errors,
      changed,
      promote: { exitCode: promoted.exitCode, problem: promoted.problem },
    }
  }
}

/** Texts of another kind, until the task is taken back. */
async function drifted(world: World, reviews: readonly StreamRow[]) {
  for (const [index, row] of reviews.entries()) {
    await world.ask(row, TASK)
    const moved = world.router.status().rollouts.inForce.find(({ task }) => task === TASK)
    if (moved && moved.by === 'spillway')
      return { detectedAfter: index + 1, stageAfter: stageName(moved.to), why: moved.why, day: world.day() }
  }
  return { detectedAfter: null, stageAfter: null, why: null, day: world.day() }
}

function requireOk({ exitCode, value, problem }: Ended): unknown {
  if (exitCode !== 0) throw new Error(problem)
  return value
}

/** Of the medians and of the 95th percentiles, in milliseconds. */
function difference(one: readonly number[], other: readonly number[]) {
  const at = (values: readonly number[], share: number) =>
    values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? 0
  const of = (share: number) => Number((at(one, share) - at(other, share)).toFixed(2))
  return { p50: of(0.5), p95: of(0.95) }
}
