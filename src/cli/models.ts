/** `spillway models`: configured, in the catalogue, on this machine, loaded. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CATALOG, type CatalogEntry } from '../models/catalog.ts'
import { type Paths, resolvePaths } from '../models/paths.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { PRESETS } from '../spec/presets.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { load, type ModelFlags, pull, running, unload } from './models-engine.ts'
import { listServers, type ServerFlags } from './models-servers.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

interface ListFlags extends ModelFlags {
  readonly presets?: true
}

export const addModels: AddCommand = (program, context) => {
  const models = program.command('models').description('models: configured, in the catalogue, on this machine, loaded')
  addCommand(models, 'list', 'the models of the policy and of the catalogue')
    .option('--policy <file>', 'the policy file to use')
    .option('--presets', 'list the provider presets instead')
    .action((flags: ListFlags) => (flags.presets ? listPresets(flags, context) : listModels(flags, context)))
  addCommand(
    models,
    'pull <name>',
    'fetch a model of the catalogue: from a given path, a hub, or a Python package',
  ).action((name: string, flags: ModelFlags) => pull(name, flags, context))
  addCommand(models, 'ps', 'the models that the engine host holds in memory').action((flags: ModelFlags) =>
    running(flags, context),
  )
  addCommand(models, 'servers', 'model servers on this machine: Ollama, LM Studio, llama.cpp, vLLM and others').action(
    (flags: ServerFlags) => listServers(flags, context),
  )
  addCommand(models, 'load <name>', 'load an embedded model of the policy before the first request')
    .option('--policy <file>', 'the policy file to use')
    .action((name: string, flags: ModelFlags) => load(name, flags, context))
  addCommand(models, 'unload <name>', 'free the memory of an embedded model of the policy')
    .option('--policy <file>', 'the policy file to use')
    .action((name: string, flags: ModelFlags) => unload(name, flags, context))
}

/** The file of a catalogue model, when an earlier call fetched it; its checksum is verified when it is loaded. */
export function fileOnDisk(entry: CatalogEntry, paths: Paths): string | null {
  const names = [entry.hub?.file, entry.wheel && basename(entry.wheel.member)].filter(
    (name) => typeof name === 'string',
  )
  return names.map((name) => join(paths.dataDir, 'models', entry.name, name)).find((file) => existsSync(file)) ?? null
}

const MEGABYTE = 1_000_000

function listModels(flags: ListFlags, context: CliContext): void {
  const policy = findPolicy(flags.policy, context)
  const configured = configuredModels(policy)
  const catalogue = catalogueModels(resolvePaths(context.env, process.platform))
  const rows = configured.map((model) => [
    model.name,
    model.provider,
    model.model,
    model.tier,
    model.unavailable ?? 'configured',
  ])
  const known = catalogue.map((model) => [
    model.name,
    'catalogue',
    model.title,
    `${Math.round(model.sizeBytes / MEGABYTE)} MB`,
    model.file ?? 'not fetched',
  ])
  const lines = renderTable(['name', 'provider', 'model', 'tier', 'state'], [...rows, ...known], context.terminal)
  printResult({ json: flags.json, value: { policy: policy.file, configured, catalogue }, lines }, context.terminal)
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
