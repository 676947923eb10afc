/** The files of Spillway itself: who may read the secrets, and whether the record of a server is true. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { registryFile } from '../models/registry.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { isRunning } from '../stores/is-running.ts'
import { type Check, type CheckPlace, fail, ok, warn } from './doctor-check.ts'
import { exposureOf } from './policy-exposure.ts'
import { recordedPid, runningServer } from './running-server.ts'

/** Folders that do not exist are made with the first request; making them now shows whether that will work. */
export function homeChecks({ paths }: CheckPlace): readonly Check[] {
  const { stateDir } = paths
  if (!existsSync(stateDir))
    return [
      warn(
        'state',
        `${stateDir} does not exist yet.`,
        `Run \`spillway doctor --fix\`, or any request, which makes it.`,
        {
          kind: 'local',
          run: () => {
            mkdirSync(stateDir, { recursive: true, mode: OWNER_FOLDER })
            return `Made ${stateDir}, for its owner only.`
          },
        },
      ),
    ]
  return [secretsCheck([stateDir, ...secretsIn(stateDir), registryFile(paths)].filter((path) => existsSync(path)))]
}

const OWNER_FILE = 0o600
const OWNER_FOLDER = 0o700
const OTHERS = 0o077

/** Keys, and databases that may hold texts. */
const SECRET_NAME = /\.key$|^keys\.json|^server\.json$|\.sqlite(-wal|-shm)?$/

function secretsIn(stateDir: string): readonly string[] {
  return ['', 'audit'].flatMap((part) => {
    const folder = join(stateDir, part)
    if (!existsSync(folder)) return []
    return readdirSync(folder)
      .filter((name) => SECRET_NAME.test(name))
      .map((name) => join(folder, name))
  })
}

/** Windows has no such bits; what a link points to is not ours to change. */
function secretsCheck(paths: readonly string[]): Check {
  const open =
    process.platform === 'win32'
      ? []
      : paths.filter((path) => !lstatSync(path).isSymbolicLink() && (lstatSync(path).mode & OTHERS) !== 0)
  const [first] = open
  if (first === undefined) return ok('secrets', 'Keys and records are readable by their owner only.')
  const more = open.length > 1 ? ` and ${open.length - 1} more` : ''
  const commands = open.map((path) => `chmod ${modeFor(path).toString(8)} ${path}`).join(' && ')
  return fail('secrets', `Other users can read ${first}${more}.`, `Run \`${commands}\`.`, {
    kind: 'local',
    run: () => {
      for (const path of open) chmodSync(path, modeFor(path))
      return `Made ${open.join(', ')} readable by the owner only.`
    },
  })
}

function modeFor(path: string): number {
  return lstatSync(path).isDirectory() ? OWNER_FOLDER : OWNER_FILE
}

/** A policy file with a secret in it. */
export function exposureCheck(loaded: LoadedPolicy): Check | null {
  const { file } = loaded
  const exposure = exposureOf(file)
  if (!exposure) return null
  return warn('policy', exposure.why, exposure.fix, {
    kind: 'local',
    run: () => {
      chmodSync(file, OWNER_FILE)
      return `Made ${file} readable by its owner only; the secret still stands in it.`
    },
  })
}

/** A server that was killed leaves its record behind, and every command asks it in vain. */
export async function recordChecks({ paths }: CheckPlace): Promise<readonly Check[]> {
  const file = join(paths.stateDir, 'server.json')
  if (!existsSync(file) || (await runningServer(paths.stateDir))) return []
  const pid = recordedPid(paths.stateDir)
  if (pid !== null && isRunning(pid))
    return [
      warn(
        'server',
        `Process ${pid} is recorded as the server and does not answer.`,
        `See what it does, or end it with \`kill ${pid}\`.`,
      ),
    ]
  return [
    warn('server', `${file} names a server that is gone.`, `Run \`spillway doctor --fix\`, or remove ${file}.`, {
      kind: 'local',
      run: () => {
        rmSync(file, { force: true })
        return `Removed ${file}.`
      },
    }),
  ]
}
