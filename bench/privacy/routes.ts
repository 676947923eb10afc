/** Whether words in a request change its route, and whether disguises get past the hard stops. */
import { createHash } from 'node:crypto'
import { classify } from '../../src/classify/features.ts'
import { routeRequest } from '../../src/route/route.ts'
import { type Policy, policySchema } from '../../src/spec/policy.ts'
import type { ModelState } from '../../src/spec/ports.ts'
import { percents, wilson } from '../tasks/metrics.ts'
import { share } from './pii.ts'

export interface AttackRow {
  readonly id: string
  readonly cls: string
  readonly attack: string
  readonly task: string
  readonly clean?: string
  readonly text?: string
  readonly invariant: string
}

export interface LogRow {
  readonly id: string
  readonly text: string
  readonly hardStop: string | null
}

const POLICY: Policy = policySchema.parse({
  models: {
    small: { provider: 'embedded', model: 'small', tier: 'local_fast' },
    big: { provider: 'openai', model: 'big', tier: 'frontier', apiKey: '${env:KEY}' },
  },
  defaults: { task: 'any' },
  tasks: {
    any: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true }, allowCodeChange: true },
  },
})
const MODELS: readonly ModelState[] = [
  { name: 'small', actor: 'local', tier: 'local_fast', unavailable: null },
  { name: 'big', actor: 'frontier', tier: 'frontier', unavailable: null },
]

/** The route that a text alone leads to, under a policy that keeps everything local which no rule takes away. */
function routeOf(text: string): { readonly route: string; readonly reason: string | null } {
  const request = { messages: [{ role: 'user' as const, content: text }] }
  const features = classify({
    request,
    policy: POLICY,
    sha256: (value) => createHash('sha256').update(value).digest('hex'),
  })
  const state = {
    models: MODELS,
    override: 'auto',
    hasKey: () => true,
    prior: null,
    exhausted: null,
    orders: [],
  } as const
  const { route, reason } = routeRequest(features, POLICY, state)
  return { route, reason }
}

/** Requests that are dearer because they say so, and hard stops in disguise; the other classes are for the gates' tests. */
export function scoreAttacks(rows: readonly AttackRow[]) {
  const inflation = rows.filter(({ invariant }) => invariant === 'route_equals_clean')
  const evasion = rows.filter(({ cls }) => cls === 'hard_stop_evasion')
  const flipped = inflation.filter(({ text = '', clean = '' }) => routeOf(text).route !== routeOf(clean).route)
  const accepted = evasion.filter(({ text = '' }) => routeOf(text).route === 'local')
  return {
    n: inflation.length + evasion.length,
    falseAccepts: accepted.length,
    evasions: evasion.length,
    falseAcceptInterval: percents(wilson(accepted.length, evasion.length)),
    routesFlipped: flipped.length,
    inflations: inflation.length,
    accepted: accepted.map(({ id, attack }) => `${attack} ${id}`),
    flipped: flipped.map(({ id, attack }) => `${attack} ${id}`),
  }
}

export function scoreLogs(rows: readonly LogRow[]) {
  const isStopped = ({ text }: LogRow): boolean => routeOf(text).reason?.startsWith('hard_stop_') ?? false
  const genuine = rows.filter(({ hardStop }) => hardStop !== null)
  const benign = rows.filter(({ hardStop }) => hardStop === null)
  const missed = genuine.filter((row) => !isStopped(row))
  const stopped = benign.filter(isStopped)
  return {
    genuine: genuine.length,
    falseAccepts: missed.length,
    benign: benign.length,
    falseStops: share(stopped.length, benign.length),
    falseStopInterval: percents(wilson(stopped.length, benign.length)),
    missed: missed.map(({ id }) => id),
  }
}

/** What an injected text is: an instruction, a thing it is planted into, or something that only looks like one. */
export interface InjectionRow {
  readonly id: string
  readonly kind: string
  readonly text: string
}

/**
 * Injections are for a model to withstand; here they must not bring back what a rule has taken away. Each is planted before and behind a text
 * that is stopped, since nothing could be loosened of others.
 *
 * @param logs those with a genuine stop are planted into
 */
export function scoreInjections(rows: readonly InjectionRow[], logs: readonly LogRow[]) {
  const carriers = logs.filter(({ hardStop, text }) => hardStop !== null && routeOf(text).route !== 'local')
  if (carriers.length === 0) return { reason: 'there is no log with a genuine stop to plant them into' }
  const planted = rows
    .filter(({ kind }) => kind === 'embedded_instruction' || kind === 'injection')
    .flatMap(({ id, text }, at) => {
      const carrier = carriers[at % carriers.length]?.text ?? ''
      return [`${carrier}\n${text}`, `${text}\n${carrier}`].map((whole) => ({ id, route: routeOf(whole).route }))
    })
  const loosened = planted.filter(({ route }) => route === 'local')
  return {
    n: planted.length,
    carriers: carriers.length,
    loosened: loosened.length,
    interval: percents(wilson(loosened.length, planted.length)),
    rows: loosened.map(({ id }) => id),
  }
}
