/** Loading models before their first request. */
import { toRouterError } from '../spec/errors.ts'
import type { CallLimits } from '../spec/ports.ts'
import type { PreloadedModel } from '../spec/router.ts'
import type { RosterModel } from './roster.ts'
import type { PipelineDeps } from './run.ts'

/** One after the other: side by side they would slow each other down and see the same free memory. Never rejects. */
export async function preload(
  { loaded, roster }: Pick<PipelineDeps, 'loaded' | 'roster'>,
  signal: AbortSignal,
): Promise<readonly PreloadedModel[]> {
  const wanted = Object.entries(loaded.policy.models).filter(([, model]) => model.preload)
  const results: PreloadedModel[] = []
  for (const [name] of wanted) {
    if (signal.aborted) break
    try {
      const port = roster.port(name)
      if (port.load === undefined) continue
      await port.load(limitsOf(roster.model(name), loaded, signal))
      results.push({ name, error: null })
    } catch (error) {
      results.push({ name, error: toRouterError(error) })
    }
  }
  return results
}

function limitsOf({ policy }: RosterModel, loaded: PipelineDeps['loaded'], signal: AbortSignal): CallLimits {
  const tier = loaded.policy.deadlines[policy.tier]
  const deadlines = {
    connectMs: tier.connect,
    ...('load' in tier && { loadMs: tier.load }),
    firstByteMs: tier.firstByte,
    idleMs: tier.idle,
    totalMs: tier.total,
  }
  return { signal, deadlines, priority: 'background' }
}
