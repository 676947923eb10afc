import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { RouterError } from '../spec/errors.ts'
import { withFileLock } from './file-lock.ts'
import type { Paths } from './paths.ts'

/** A model file that stays where it is and is known by a name. */
export interface RegisteredModel {
  readonly name: string
  /** Absolute. */
  readonly path: string
  /** Lower-case hex; null when nobody has taken it yet: then the file is trusted as it is. */
  readonly sha256: string | null
  readonly sizeBytes: number
  /** Where `models pull` got it, as `hf:…@revision` or an address without its query; absent for a file that was here. */
  readonly origin?: string
}

/** The file that holds the names, readable by its owner only: paths tell about a person's machine. */
export function registryFile(paths: Paths): string {
  return join(paths.dataDir, 'models', 'registered.json')
}

/**
 * The registered models; none when nothing was ever registered. Synchronous and small: it is read before each load.
 *
 * @throws RouterError model_file_invalid when the registry is not what this program wrote
 */
export function readRegistry(paths: Paths): readonly RegisteredModel[] {
  const file = registryFile(paths)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw damaged(file, 'it cannot be read', error)
  }
  return parse(text, file)
}

/** The registered model of that name, or null. @throws RouterError model_file_invalid */
export function findRegistered(paths: Paths, name: string): RegisteredModel | null {
  return readRegistry(paths).find((model) => model.name === name) ?? null
}

/** Adds a model, or replaces the one of the same name. @throws RouterError model_file_invalid; the signal's reason */
export async function register(paths: Paths, model: RegisteredModel, signal: AbortSignal): Promise<void> {
  await change(paths, signal, (models) => [...models.filter(({ name }) => name !== model.name), model])
}

/** Forgets a model; the file itself stays. @returns what was forgotten, null when the name was not known */
export async function unregister(paths: Paths, name: string, signal: AbortSignal): Promise<RegisteredModel | null> {
  let gone: RegisteredModel | null = null
  await change(paths, signal, (models) => {
    gone = models.find((model) => model.name === name) ?? null
    return models.filter((model) => model.name !== name)
  })
  return gone
}

/** Whether a name can be used in a policy, on a command line and as a folder beside the registry and the locks. */
export function isModelName(name: string): boolean {
  return NAME.test(name) && !RESERVED.test(name)
}

/** What `isModelName` accepts, as the end of a sentence. */
export const MODEL_NAME_FORM =
  'letters, digits and . _ : @ -, at most 100, not `registered.json` and not ending in .lock'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
/** A folder of that name would stand where this program keeps a file; some file systems ignore case. */
const RESERVED = /^registered\.json|\.lock$/i
const SHA256 = /^[0-9a-f]{64}$/
const FORMAT = 1

async function change(
  paths: Paths,
  signal: AbortSignal,
  edit: (models: readonly RegisteredModel[]) => readonly RegisteredModel[],
): Promise<void> {
  const file = registryFile(paths)
  await mkdir(dirname(file), { recursive: true })
  await withFileLock({ file: `${file}.lock`, signal }, async () => {
    const models = [...edit(readRegistry(paths))].sort((a, b) => a.name.localeCompare(b.name))
    // A rename is atomic: a reader sees the old list or the new one, never half of it.
    const draft = `${file}.${randomUUID()}`
    try {
      await writeFile(draft, `${JSON.stringify({ format: FORMAT, models }, null, 2)}\n`, { mode: 0o600 })
      await rename(draft, file)
    } finally {
      await rm(draft, { force: true })
    }
  })
}

function parse(text: string, file: string): readonly RegisteredModel[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw damaged(file, 'it is not JSON', error)
  }
  const { format, models } = (content ?? {}) as { readonly format?: unknown; readonly models?: unknown }
  if (format !== FORMAT) throw damaged(file, `its format ${String(format)} is not ${FORMAT}`)
  if (!Array.isArray(models) || !models.every(isRegistered)) throw damaged(file, 'an entry is not complete')
  return models
}

function isRegistered(value: unknown): value is RegisteredModel {
  const { name, path, sha256, sizeBytes, origin } = (value ?? {}) as Partial<Record<keyof RegisteredModel, unknown>>
  return (
    typeof name === 'string' &&
    isModelName(name) &&
    typeof path === 'string' &&
    isAbsolute(path) &&
    (sha256 === null || (typeof sha256 === 'string' && SHA256.test(sha256))) &&
    typeof sizeBytes === 'number' &&
    (origin === undefined || typeof origin === 'string')
  )
}

function damaged(path: string, problem: string, cause?: unknown): RouterError {
  const fix = 'Remove it and register the models again with `spillway models add`.'
  return new RouterError('model_file_invalid', { path, problem, fix }, cause)
}
