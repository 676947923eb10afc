/** `spillway models add`, `models add --scan`, `models remove`: files that are on this machine already. */
import { existsSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { findInCatalog } from '../models/catalog.ts'
import { readGgufHeader } from '../models/embedded/gguf.ts'
import { cachedSha256 } from '../models/fetch/digest.ts'
import { modelNameOf } from '../models/fetch/pull.ts'
import { type Paths, resolvePaths } from '../models/paths.ts'
import {
  findRegistered,
  isModelName,
  MODEL_NAME_FORM,
  type RegisteredModel,
  readRegistry,
  register,
  unregister,
} from '../models/registry.ts'
import { type FoundModel, modelPath, type PartFile, type ScanResult, scanStores } from '../models/scan.ts'
import { RouterError } from '../spec/errors.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

export interface AddFlags {
  readonly scan?: true
  readonly hash?: true
  readonly name?: string
  readonly sha256?: string
  readonly json?: true
}

/** Registers a file, or lists what could be registered. @throws RouterError usage, model_file_invalid, checksum_mismatch */
export async function add(what: string | undefined, flags: AddFlags, context: CliContext): Promise<void> {
  if (flags.scan && (what !== undefined || flags.name !== undefined || flags.sha256 !== undefined))
    throw usage('--scan only looks', 'Run `spillway models add --scan`, then `spillway models add <name>`.')
  if (flags.scan) return await scan(flags, context)
  if (flags.hash) throw usage('--hash belongs to --scan', 'Run `spillway models add --scan --hash`.')
  if (what === undefined)
    throw usage('No model is named', 'Give a GGUF file or a name from `spillway models add --scan`.')
  const model = await registered(what, flags, context)
  const before = findRegistered(placesOf(context), model.name)
  await register(placesOf(context), model, context.signal)
  if (before !== null && before.path !== model.path) context.terminal.say(`${model.name} was ${before.path} before.`)
  const line = `model ${model.name} is ${model.path}; use it in a policy with \`provider: embedded, model: ${model.name}\``
  printResult({ json: flags.json, value: model, lines: [line] }, context.terminal)
}

/** Forgets a registered model; its file stays. @throws RouterError usage */
export async function remove(name: string, flags: Pick<AddFlags, 'json'>, context: CliContext): Promise<void> {
  const paths = placesOf(context)
  const gone = await unregister(paths, name, context.signal)
  if (gone === null) {
    const known = readRegistry(paths).map((model) => model.name)
    const fix = known.length === 0 ? 'No model is registered.' : `Registered are ${known.join(', ')}.`
    throw usage(`There is no registered model ${name}`, fix)
  }
  const lines = [`model ${name} is forgotten; ${gone.path} stays where it is`]
  printResult({ json: flags.json, value: gone, lines }, context.terminal)
}

function placesOf(context: CliContext): Paths {
  return resolvePaths(context.env, process.platform)
}

async function scan(flags: AddFlags, context: CliContext): Promise<void> {
  const paths = placesOf(context)
  const result = scanStores(context.env, paths)
  const found = flags.hash ? await hashed(result.found, paths, context.signal) : result.found
  const rows = found.map((model) => [
    model.name,
    model.store,
    `${Math.round(model.sizeBytes / MEGABYTE)} MB`,
    model.quantisation ?? 'unknown',
    `${model.contextTokens}`,
    model.sha256?.slice(0, 12) ?? 'not hashed',
    model.path,
  ])
  const titles = ['name', 'store', 'size', 'quantisation', 'context', 'sha256', 'path']
  const table =
    rows.length === 0 ? [nothing(result)] : renderTable(titles, rows, { ...context.terminal, whole: ['name'] })
  const bad = result.unusable.map(({ name, store, path, why }) => `not usable: ${name} (${store}, ${path}): ${why}`)
  const parts = result.parts.map(({ name, store, part }) => `left out: ${name} (${store}): ${PARTS[part]}`)
  printResult({ json: flags.json, value: { ...result, found }, lines: [...table, ...bad, ...parts] }, context.terminal)
}

const PARTS: Readonly<Record<PartFile['part'], string>> = {
  vision: 'the vision part of another model',
  later_part: 'comes with the first part of the model',
}
const MEGABYTE = 1_000_000

function nothing({ folders }: ScanResult): string {
  if (folders.length === 0) return 'No folder of Ollama, LM Studio, llama.cpp or Hugging Face is on this machine.'
  return `No model file is in ${folders.map(({ path }) => path).join(', ')}.`
}

/** Every file is read as a whole, also where the store's own name for it says a hash. */
async function hashed(found: readonly FoundModel[], paths: Paths, signal: AbortSignal): Promise<readonly FoundModel[]> {
  const models: FoundModel[] = []
  for (const model of found) models.push({ ...model, sha256: await cachedSha256(model.path, paths.cacheDir, signal) })
  return models
}

async function registered(what: string, flags: AddFlags, context: CliContext): Promise<RegisteredModel> {
  const paths = placesOf(context)
  const { path, name, sha256: claimed } = located(what, flags, context)
  checkName(name)
  const expected = expectedSha256(flags.sha256) ?? claimed
  const { fileBytes } = readGgufHeader(path)
  if (fileBytes > SLOW_BYTES) context.terminal.say(`Reading ${path} for its sha256; this is done once.`)
  const actual = await cachedSha256(path, paths.cacheDir, context.signal)
  if (expected !== null && expected !== actual) throw new RouterError('checksum_mismatch', { path, actual, expected })
  return { name, path, sha256: actual, sizeBytes: fileBytes }
}

/** A file that takes longer than a few seconds to read. */
const SLOW_BYTES = 1_000_000_000

interface Located {
  readonly path: string
  readonly name: string
  readonly sha256: string | null
}

function located(what: string, flags: AddFlags, context: CliContext): Located {
  const { found } = scanStores(context.env, placesOf(context))
  const matches = found.filter((model) => model.name === what || model.path === what)
  const [first] = matches
  if (first === undefined) {
    if (existsSync(what)) return fromFile(what, flags)
    const fix = 'Give a GGUF file, or a name from `spillway models add --scan`.'
    throw usage(`There is no model file ${what}`, fix)
  }
  if (matches.some((model) => model.path !== first.path))
    throw usage(
      `${what} names ${matches.length} files`,
      `Give one by its path: ${matches.map(({ path }) => path).join(', ')}.`,
    )
  return { path: first.path, name: flags.name ?? modelNameOf(first.name), sha256: first.sha256 }
}

function fromFile(what: string, flags: AddFlags): Located {
  const path = resolve(what)
  if (!statSync(path).isFile()) throw usage(`${path} is not a file`, 'Give the GGUF file itself.')
  return { path: modelPath(path), name: flags.name ?? modelNameOf(basename(path)), sha256: null }
}

/** A catalogue name always means the catalogue's file: a registered one must not take its place. */
function checkName(name: string): void {
  if (!isModelName(name)) throw usage(`${name} cannot be a model name`, `Use ${MODEL_NAME_FORM}, with --name.`)
  if (findInCatalog(name) !== null) throw usage(`${name} is a name of the catalogue`, 'Choose another with --name.')
}

/** The hex digits of `--sha256`; null without the flag. @throws RouterError usage */
export function expectedSha256(text: string | undefined): string | null {
  if (text === undefined) return null
  const hex = text.toLowerCase().replace(/^sha256:/, '')
  if (!/^[0-9a-f]{64}$/.test(hex)) throw usage(`--sha256 ${text} is not a sha256`, 'Give 64 hexadecimal digits.')
  return hex
}
