/** Looks whether the policy file has changed, and builds a router from what it says now. */
import { statSync } from 'node:fs'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Environment, loadPolicyFile } from '../stores/policy-file.ts'

export interface PolicyWatch {
  /** Why the file as it stands now is not in force; null when it is. */
  problem(): string | null
  stop(): void
}

export interface PolicyWatchSettings {
  readonly file: string
  readonly env: Environment
  /** Puts a policy in force; throws when it cannot, and the one before stays. */
  readonly apply: (loaded: LoadedPolicy) => void
  readonly told: (line: string) => void
}

/** A person who saves a file looks up after about a second. */
const LOOK_MS = 1000

/** A broken file keeps the last good policy in force; it is read again as soon as it changes. */
export function watchPolicy({ file, env, apply, told }: PolicyWatchSettings): PolicyWatch {
  let version = versionOf(file)
  let problem: string | null = null
  const look = (): void => {
    const found = versionOf(file)
    if (found === version) return
    version = found
    try {
      apply(loadPolicyFile(file, env))
      problem = null
      told(`Policy ${file} is in force as it stands now.`)
    } catch (error) {
      const failure = toRouterError(error)
      problem = `${failure.message} ${failure.fix}`
      told(`Policy ${file} has changed and is not in force: ${problem}`)
    }
  }
  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  return { problem: () => problem, stop: () => clearInterval(timer) }
}

function versionOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : 'gone'
}
