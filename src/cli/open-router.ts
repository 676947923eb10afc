/** The router of a command: composed here, in this process. */

import { resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import type { Router } from '../spec/router.ts'
import type { CliContext } from './context.ts'

/** Loads the composition root only when a command needs it, so that `--help` and `policy check` start at once. */
export async function openRouter(policy: LoadedPolicy, context: CliContext): Promise<Router> {
  const { createRouter } = await import('../compose.ts')
  return createRouter({ policy, env: context.env, paths: resolvePaths(context.env, process.platform) })
}

/** Opens a router, uses it, and closes it whatever happens. */
export async function withRouter<T>(
  policy: LoadedPolicy,
  context: CliContext,
  use: (router: Router) => T | Promise<T>,
): Promise<T> {
  const router = await openRouter(policy, context)
  try {
    return await use(router)
  } finally {
    await router.close()
  }
}
