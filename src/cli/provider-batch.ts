/** What changes in a run whose calls of frontiers go to the provider's own batch. */
import { rmSync } from 'node:fs'
import { type CollectedCalls, createCollectedCalls } from '../models/collected-calls.ts'
import { resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import { openProviderJournal } from '../stores/row-log.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'

/** Longer than the day that providers give themselves. */
const WAIT_MS = 26 * 3_600_000

export interface Together {
  readonly calls: CollectedCalls
  readonly router: Router
  /** Aborts when nothing is waited for any more. */
  readonly signal: AbortSignal
  /** @param isDone every row has its line, so that nothing is fetched again */
  close(isDone: boolean): Promise<void>
}

/** @throws RouterError usage: no model of the policy has a batch */
export async function openTogether(path: string, loaded: LoadedPolicy, context: CliContext): Promise<Together> {
  const batches = Object.values(loaded.policy.models).flatMap(({ batch }) => batch ?? [])
  if (batches.length === 0)
    throw usage(
      'No model of the policy has a batch',
      'Set models.<name>.batch: {} for a frontier of openai or anthropic.',
    )
  const journal = openProviderJournal(path)
  const calls = createCollectedCalls({ journal, pollMs: Math.min(...batches.map(({ poll }) => poll)) })
  const { createRouter } = await import('../compose.ts')
  const gone = new AbortController()
  const stop = (): void => {
    calls.stop()
    gone.abort()
  }
  context.signal.addEventListener('abort', stop, { once: true })
  const paths = resolvePaths(context.env, process.platform)
  const router = createRouter({ policy: patient(loaded), env: context.env, paths, collect: calls.collect })
  return {
    calls,
    router,
    signal: gone.signal,
    async close(isDone) {
      context.signal.removeEventListener('abort', stop)
      if (isDone) await calls.tidy()
      calls.stop()
      await router.close()
      journal.close()
      if (isDone) rmSync(path, { force: true })
    },
  }
}

/** Nobody is in a hurry, and nobody takes turns: all that wait are one batch. */
function patient(loaded: LoadedPolicy): LoadedPolicy {
  const { models, deadlines } = loaded.policy
  const free = ({ maxConcurrent: _, ...model }: ModelPolicy): ModelPolicy => model
  const own = Object.entries(models).map(([name, model]) => [name, model.batch ? free(model) : model] as const)
  const frontier = { connect: WAIT_MS, firstByte: WAIT_MS, idle: WAIT_MS, total: WAIT_MS }
  return {
    ...loaded,
    policy: { ...loaded.policy, models: Object.fromEntries(own), deadlines: { ...deadlines, frontier } },
  }
}
