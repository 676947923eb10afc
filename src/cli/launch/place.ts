/** Where a client would be started: what it reads lies there. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { resolvePaths } from '../../models/paths.ts'
import type { CliContext } from '../context.ts'
import type { ClientPlace } from './client.ts'

export function placeOf(context: CliContext): ClientPlace {
  const { env } = context
  const { stateDir } = resolvePaths(env, process.platform)
  const home = env.HOME ?? env.USERPROFILE ?? homedir()
  return { env, home, cwd: process.cwd(), platform: process.platform, ownFolder: join(stateDir, 'clients') }
}
