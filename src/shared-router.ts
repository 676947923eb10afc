/** The one router of a process that names none: of `spillway.yaml` in the folder that it runs in. */
import { createRouter } from './compose.ts'
import { type AgentQuestion, askChecked, type CheckedAnswer } from './integrations/quality-check.ts'
import type { Router } from './spec/router.ts'

export interface QualityCheckOptions extends AgentQuestion {
  /** Default: one router for the whole process, of `spillway.yaml` in its folder. */
  readonly router?: Router
  readonly signal?: AbortSignal
}

/**
 * Asks the router and says what is known of the answer's quality.
 *
 * @throws RouterError as `Router.complete` does; policy_not_found when there is no router and no `spillway.yaml`
 */
export async function routeWithQualityCheck(
  prompt: string,
  { router, ...question }: QualityCheckOptions = {},
): Promise<CheckedAnswer> {
  return askChecked(router ?? sharedRouter(), { ...question, prompt })
}

/** Closes the router that `routeWithQualityCheck` opened, if it did; the next call opens another. */
export async function closeSharedRouter(): Promise<void> {
  const router = opened
  opened = null
  process.off('beforeExit', closeSharedRouter)
  await router?.close()
}

let opened: Router | null = null

function sharedRouter(): Router {
  if (opened) return opened
  opened = createRouter({ policy: 'spillway.yaml' })
  // A program that forgets to close it still leaves nothing half written.
  process.once('beforeExit', closeSharedRouter)
  return opened
}
