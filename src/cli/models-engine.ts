/** Fetching, loading and unloading embedded models. */
import { modelSpec } from '../models/embedded/configured.ts'
import type { ModelSpec } from '../models/embedded/protocol.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import type { CliContext } from './context.ts'
import { hostStatus, loadModel, unloadModel } from './engine-host.ts'
import { getModel } from './get-local.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'

export interface ModelFlags {
  readonly policy?: string
  readonly json?: true
}

const MEGABYTE = 1_000_000

/** The models that the host holds in memory. */
export async function running(flags: ModelFlags, context: CliContext): Promise<void> {
  const host = await hostStatus(context)
  if (flags.json) return context.terminal.json({ host })
  if (!host) return context.terminal.say('The engine host is not running, so no model is loaded.')
  const rows = host.models.map((model) => [
    model.name,
    model.state,
    `${model.contextTokens}`,
    `${model.threads}`,
    `${model.active} active, ${model.waiting} waiting`,
    `${Math.round(model.needBytes / MEGABYTE)} MB`,
  ])
  for (const line of renderTable(['name', 'state', 'context', 'threads', 'requests', 'memory'], rows, context.terminal))
    context.terminal.print(line)
}

/** Loads a model before its first request. */
export async function load(name: string, flags: ModelFlags, context: CliContext): Promise<void> {
  const spec = await specOf(name, flags, context)
  const row = await loadModel(spec, context)
  if (flags.json) context.terminal.json(row)
  else
    context.terminal.print(
      `model ${name} is loaded: ${Math.round(row.needBytes / MEGABYTE)} MB, ${row.contextTokens} tokens of context.`,
    )
}

/** Frees the memory of a model. */
export async function unload(name: string, flags: ModelFlags, context: CliContext): Promise<void> {
  const unloaded = (await hostStatus(context))
    ? await unloadModel((await specOf(name, flags, context)).digest, context)
    : 0
  if (flags.json) context.terminal.json({ name, unloaded })
  else context.terminal.print(unloaded === 0 ? `model ${name} was not loaded.` : `model ${name} was unloaded.`)
}

/** As a request of the same policy asks for it, so that both share one loaded copy. */
async function specOf(name: string, flags: ModelFlags, context: CliContext): Promise<ModelSpec> {
  const { policy } = findPolicy(flags.policy, context)
  const model = policy.models[name]
  const embedded = Object.keys(policy.models).filter((key) => policy.models[key]?.provider === 'embedded')
  if (model?.provider !== 'embedded') {
    throw new RouterError('not_found', {
      subject: 'embedded model',
      value: name,
      fix: `The policy has ${embedded.join(', ') || 'none'}.`,
    })
  }
  const file = await getModel(model.model, model.path, context)
  const paths = resolvePaths(context.env, process.platform)
  return await modelSpec({ name, policy: model, paths, memory: policy.memory }, file, context.signal)
}
