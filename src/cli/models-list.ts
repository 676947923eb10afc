/** `spillway models list`: of the policy, of the catalogue, registered here; and the swap table with what fits. */

import { cacheBytesPerToken } from '../models/catalog/figures.ts'
import { type FileFitRow, fileFitRow, fitRows, memoryBytes, TABLE_CONTEXT_TOKENS } from '../models/catalog/fit-rows.ts'
import type { OpenModel } from '../models/catalog/open-model.ts'
import { OPEN_MODELS } from '../models/catalog/open-models.ts'
import { REPLACES_MEANS, WORKLOAD_ROWS, WORKLOADS, type Workload } from '../models/catalog/workloads.ts'
import { CATALOG, type CatalogEntry } from '../models/catalog.ts'
import { readGgufHeader } from '../models/embedded/gguf.ts'
import type { FreeMemory } from '../models/embedded/memory.ts'
import { fileOnDisk } from '../models/fetch/locate.ts'
import { type Paths, resolvePaths } from '../models/paths.ts'
import { readRegistry } from '../models/registry.ts'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { PRESETS } from '../spec/presets.ts'
import { meant } from '../spec/suggest.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { freeMemory } from './free-memory.ts'
import type { ModelFlags } from './models-engine.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

export interface ListFlags extends ModelFlags {
  readonly presets?: true
  readonly fits?: true
  /** true when the flag has no value: every workload. */
  readonly workload?: string | true
}

/** @throws RouterError usage for an unknown workload, and for flags that exclude each other */
export async function listModels(flags: ListFlags, context: CliContext): Promise<void> {
  if (flags.presets && (flags.fits || flags.workload !== undefined))
    throw usage('--presets lists providers, not models', 'Leave out --fits and --workload, or leave out --presets.')
  if (flags.presets) return listPresets(flags, context)
  if (flags.fits) return await listFits(flags, context)
  if (flags.workload !== undefined) return listWorkloads(flags, context)
  listKnown(flags, context)
}

const MEGABYTE = 1_000_000
const GIGABYTE = 1_000_000_000

function listKnown(flags: ListFlags, context: CliContext): void {
  const policy = findPolicy(flags.policy, context)
  const paths = resolvePaths(context.env, process.platform)
  const configured = configuredModels(policy)
  const catalogue = catalogueModels(paths)
  const registered = readRegistry(paths)
  const rows = [
    ...configured.map((model) => [
      model.name,
      model.provider,
      model.model,
      model.tier,
      model.unavailable ?? 'configured',
    ]),
    ...catalogue.map((model) => [
      model.name,
      'catalogue',
      model.title,
      megabytes(model.sizeBytes),
      model.file ?? 'not fetched',
    ]),
    ...registered.map((model) => [model.name, 'registered', '', megabytes(model.sizeBytes), model.path]),
  ]
  const lines = renderTable(['name', 'provider', 'model', 'tier', 'state'], rows, context.terminal)
  const value = { policy: policy.file, configured, catalogue, registered }
  printResult({ json: flags.json, value, lines }, context.terminal)
  if (!flags.json) context.terminal.say('What to use for which work: `spillway models list --workload`, `--fits`.')
}

async function listFits(flags: ListFlags, context: CliContext): Promise<void> {
  const free = await freeMemory(context)
  const rows = fitRows(chosen(flags.workload), free)
  // A file says nothing about the class of work that it is for.
  const here = flags.workload === undefined ? fitsHere(free, context) : null
  const cells = rows.map((row) => [
    row.name,
    row.workload,
    row.quantisation,
    `${row.basis === 'computed' ? '~' : ''}${gigabytes(row.weightBytes)}`,
    gigabytes(row.needBytes),
    row.verdict,
    row.largestContextTokens === 0 ? 'none' : `${row.largestContextTokens}`,
  ])
  const titles = ['name', 'workload', 'quantisation', 'weights', 'memory at 8k', 'verdict', 'largest context']
  const note = `${gigabytes(free.available)} free now, ${gigabytes(free.reclaimable)} held by idle models; ~ marks a computed size.`
  const lines = [
    ...renderTable(titles, cells, context.terminal),
    ...(here === null ? [] : hereLines(here, context)),
    note,
  ]
  const value = {
    availableBytes: free.available,
    reclaimableBytes: free.reclaimable,
    contextTokens: TABLE_CONTEXT_TOKENS,
    models: rows,
    ...here,
  }
  printResult({ json: flags.json, value, lines }, context.terminal)
}

interface FitsHere {
  readonly here: readonly FileFitRow[]
  readonly unusable: readonly { readonly name: string; readonly path: string; readonly why: string }[]
}

/** The files that a policy can name now: fetched from the catalogue, or registered. */
function fitsHere(free: FreeMemory, context: CliContext): FitsHere {
  const paths = resolvePaths(context.env, process.platform)
  const fetched = catalogueModels(paths).flatMap(({ name, file }) => (file === null ? [] : { name, path: file }))
  const looked = [...fetched, ...readRegistry(paths)].map(({ name, path }) => {
    try {
      return fileFitRow({ name, path }, readGgufHeader(path), free)
    } catch (error) {
      return { name, path, why: toRouterError(error).message }
    }
  })
  return {
    here: looked.filter((row) => 'verdict' in row),
    unusable: looked.filter((row) => 'why' in row),
  }
}

function hereLines({ here, unusable }: FitsHere, context: CliContext): readonly string[] {
  const cells = here.map((row) => [
    row.name,
    row.quantisation ?? 'unknown',
    gigabytes(row.weightBytes),
    gigabytes(row.needBytes),
    row.verdict,
    row.largestContextTokens === 0 ? 'none' : `${row.largestContextTokens}`,
  ])
  const titles = ['on this machine', 'quantisation', 'weights', 'memory at 8k', 'verdict', 'largest context']
  const table = cells.length === 0 ? [] : ['', ...renderTable(titles, cells, context.terminal)]
  return [...table, ...unusable.map(({ name, why }) => `not usable: ${name}: ${why}`), '']
}

function listWorkloads(flags: ListFlags, context: CliContext): void {
  const models = chosen(flags.workload)
  const workloads = WORKLOAD_ROWS.filter((row) => models.some((model) => model.workload === row.name))
  const value = {
    contextTokens: TABLE_CONTEXT_TOKENS,
    replacesMeans: REPLACES_MEANS,
    workloads,
    models: models.map(described),
  }
  const lines = workloads.flatMap((row) => [
    ...(row === workloads[0] ? [] : ['']),
    `${row.name}: ${row.title}; ${row.machine}${row.replaces === null ? '' : `; replaces ${row.replaces}`}`,
    ...renderTable(
      ['name', 'parameters', 'context', 'licence', 'weights and memory at 8k'],
      models.filter((model) => model.workload === row.name).map(workloadCells),
      context.terminal,
    ),
    ...models.filter((model) => model.workload === row.name && model.note).map(({ name, note }) => `${name}: ${note}`),
  ])
  printResult({ json: flags.json, value, lines: [...lines, '', `${REPLACES_MEANS}.`] }, context.terminal)
}

function described(model: OpenModel) {
  return {
    ...model,
    cacheBytesPerToken: cacheBytesPerToken(model.shape.value),
    weights: model.weights.map((weight) => ({ ...weight, memoryBytes: memoryBytes(model, weight) })),
  }
}

function workloadCells(model: OpenModel): readonly string[] {
  const active = model.activeParameters === null ? '' : `, ${billions(model.activeParameters)} active`
  const sizes = model.weights.map(
    (weight) => `${weight.quantisation} ${gigabytes(weight.bytes)}/${gigabytes(memoryBytes(model, weight))}`,
  )
  return [
    model.name,
    `${billions(model.parameters.value)}${active}`,
    `${model.shape.value.contextTokens}`,
    model.licence.value,
    sizes.join(', '),
  ]
}

function chosen(workload: string | true | undefined): readonly OpenModel[] {
  if (workload === undefined || workload === true) return OPEN_MODELS
  if (!isWorkload(workload))
    throw usage(`There is no workload ${workload}`, meant(workload, WORKLOADS, `Use one of ${WORKLOADS.join(', ')}.`))
  return OPEN_MODELS.filter((model) => model.workload === workload)
}

function isWorkload(text: string): text is Workload {
  return WORKLOADS.some((name) => name === text)
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`
}

function gigabytes(bytes: number): string {
  return `${(bytes / GIGABYTE).toFixed(1)} GB`
}

function billions(count: number): string {
  return `${Number((count / GIGABYTE).toFixed(1))}B`
}

interface ConfiguredModel {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly tier: string
  readonly unavailable: string | null
}

function configuredModels(loaded: LoadedPolicy): readonly ConfiguredModel[] {
  return Object.entries(loaded.policy.models).map(([name, { provider, model, tier }]) => {
    const variable = loaded.missingKeys[name]
    return { name, provider, model, tier, unavailable: variable ? `${variable} is not set` : null }
  })
}

function catalogueModels(
  paths: Paths,
): readonly (Omit<CatalogEntry, 'hub' | 'wheel'> & { readonly file: string | null })[] {
  return CATALOG.map(({ hub, wheel, ...entry }) => ({ ...entry, file: fileOnDisk({ hub, wheel, ...entry }, paths) }))
}

function listPresets(flags: ListFlags, context: CliContext): void {
  const presets = Object.entries(PRESETS).map(([name, preset]) => ({
    name,
    ...preset,
    keySet: preset.keyVariable !== null && Boolean(context.env[preset.keyVariable]),
  }))
  const rows = presets.map((preset) => [
    preset.name,
    preset.provider,
    preset.baseUrl,
    preset.keyVariable ?? 'none',
    preset.keyVariable === null ? 'not needed' : preset.keySet ? 'set' : 'not set',
    preset.jurisdiction,
  ])
  const lines = renderTable(['preset', 'provider', 'address', 'key', 'state', 'law'], rows, context.terminal)
  printResult({ json: flags.json, value: presets, lines }, context.terminal)
}
