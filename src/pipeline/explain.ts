/** Failures that tell the whole story: who was asked, who could not be asked, and why. */
import type { Actor } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { scopesOf } from './ceilings.ts'
import type { PipelineDeps, Run } from './run.ts'

/** Nobody is left who can be asked, and nothing but availability stands in the way. */
export function nobodyAvailable(run: Run, deps: PipelineDeps): RouterError {
  const unpaid = run.decision.removals.some(({ rule }) => rule === 'budget')
  const scope = unpaid ? deps.budgets?.exhausted(scopesOf(run, deps)) : null
  if (scope)
    return new RouterError('budget_exhausted', { scope: scope.name, period: scope.period, left: '0', need: 'more' })
  const details = (['local', 'frontier'] as const).flatMap((actor) => awayDetail(run, actor) ?? [])
  const waits = run.decision.removals.flatMap((removal) => removal.retryInMs ?? [])
  return new RouterError('no_model_available', {
    task: run.features.task,
    why: details.join('; ') || 'no model is configured for it',
    fix: 'Run `spillway doctor`; `spillway route` shows every removal.',
    ...(waits.length > 0 && { retryAfterSeconds: Math.min(...waits) / 1000 }),
  })
}

/** What the caller hears when none of an actor's models answered: of one model its own failure, of several all of them. */
export function nobodyAnswered(
  run: Pick<Run, 'features'>,
  actor: Actor,
  failures: readonly RouterError[],
): RouterError {
  const last = failures.at(-1)
  const task = run.features.task
  if (!last)
    return new RouterError('no_model_available', {
      task,
      why: `no ${actor} model may be called`,
      fix: 'See `spillway route` for what stands in the way.',
    })
  const areAllLimited = failures.every(({ code }) => code === 'model_rate_limited')
  if (actor === 'local' || failures.length === 1) return last
  const retryAfterSeconds = soonest(failures)
  if (areAllLimited) return failures.find((failure) => failure.retryAfterSeconds === retryAfterSeconds) ?? last
  return new RouterError(
    'no_model_available',
    {
      task,
      why: failures.map(reasonOf).join('; '),
      fix: 'Try again in a moment; `GET /readyz` shows the state of each model.',
      ...(retryAfterSeconds !== null && { retryAfterSeconds }),
    },
    last,
  )
}

/** The first model that will be back decides. */
function soonest(failures: readonly RouterError[]): number | null {
  const named = failures.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? [])
  return named.length === 0 ? null : Math.min(...named)
}

/** The clause of an error that is only a list of causes, else its own sentence. */
function reasonOf({ code, values, message }: RouterError): string {
  return code === 'no_model_available' ? String(values.why) : withoutStop(message)
}

/** Who was tried for an answer, and why others were not. */
type Tried = Pick<Run, 'features' | 'decision' | 'attempts'>

/** A frontier that failed because local could not answer either: the reader needs both to mend one of them. */
export function withLocalTrouble(run: Tried, error: RouterError): RouterError {
  const failed = answers(run).some((attempt) => attempt.actor === 'frontier' && attempt.outcome === 'failed')
  const local = localTrouble(run)
  if (!failed || !local || !error.row.retryable) return error
  const { retryAfterSeconds } = error
  return new RouterError(
    'no_model_available',
    {
      task: run.features.task,
      why: `${local}; frontier: ${reasonOf(error)}`,
      fix: error.fix,
      ...(retryAfterSeconds !== null && { retryAfterSeconds }),
    },
    error,
  )
}

function localTrouble(run: Tried): string | null {
  const failed = answers(run).find((attempt) => attempt.actor === 'local' && attempt.outcome === 'failed')
  if (failed) return `local: ${withoutStop(failed.errorMessage ?? failed.error ?? 'it failed')}`
  const isAway = run.decision.removals.some((removal) => removal.actor === 'local' && removal.rule === 'availability')
  return isAway ? awayDetail(run, 'local') : null
}

/** A second opinion that failed is no trouble of the one who answers. */
function answers(run: Pick<Run, 'attempts'>): Run['attempts'] {
  return run.attempts.filter(({ purpose }) => purpose === 'answer')
}

function awayDetail(run: Pick<Run, 'decision'>, actor: 'local' | 'frontier'): string | null {
  const removal = run.decision.removals.find((entry) => entry.actor === actor && entry.set === 'serve')
  return removal ? `${actor}: ${withoutStop(removal.detail)}` : null
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}
