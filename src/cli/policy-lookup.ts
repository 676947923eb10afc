/** Which policy file a command uses. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { loadPolicyFile } from '../stores/policy-file.ts'
import { type CliContext, templateFile } from './context.ts'

/** The file that `init` writes and that a command finds by itself. */
export const POLICY_FILE = 'spillway.yaml'

/**
 * The policy of a command: `--policy`, else spillway.yaml in this folder, else spillway.yaml in the configuration folder,
 * else the shipped agent template, which is said on stderr.
 *
 * @throws RouterError policy_not_found, policy_invalid, env_missing
 */
export function findPolicy(option: string | undefined, context: CliContext): LoadedPolicy {
  const file = findPolicyFile(option, context)
  if (file) return loadPolicyFile(file, context.env)
  context.terminal.say(`No ${POLICY_FILE} here: using the shipped agent policy (\`spillway init\` writes your own).`)
  return loadPolicyFile(templateFile('agent'), context.env)
}

/** @returns the path of the user's own policy file; null when there is none */
export function findPolicyFile(option: string | undefined, context: CliContext): string | null {
  if (option !== undefined) {
    if (!existsSync(option)) throw new RouterError('policy_not_found', { path: option })
    return option
  }
  const places = [POLICY_FILE, join(resolvePaths(context.env, process.platform).configDir, POLICY_FILE)]
  return places.find((place) => existsSync(place)) ?? null
}
