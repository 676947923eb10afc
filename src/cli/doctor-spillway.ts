/** What Spillway itself has: policy, engine, models, keys, audit store, and whether anything can answer. */
import { existsSync } from 'node:fs'
import { findInCatalog } from '../models/catalog.ts'
import { engineState } from '../models/embedded/install.ts'
import { fileOnDisk, locateModel } from '../models/fetch/locate.ts'
import type { Paths } from '../models/paths.ts'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy, ModelPolicy } from '../spec/policy.ts'
import type { CliContext } from './context.ts'
import { policyOrDetected } from './detected-policy.ts'
import { type Check, type CheckPlace, fail, ok, warn } from './doctor-check.ts'
import { exposureCheck } from './doctor-files.ts'
import { findPolicyFile } from './policy-lookup.ts'

export interface PolicyFinding {
  readonly check: Check
  /** Null when the policy cannot be used. */
  readonly loaded: LoadedPolicy | null
}

export async function policyCheck(option: string | undefined, context: CliContext): Promise<PolicyFinding> {
  try {
    const loaded = await policyOrDetected(option, context)
    const isOwn = findPolicyFile(option, context) !== null
    const where = isOwn ? loaded.file : 'No file, so what is on this machine'
    const check = ok('policy', `${where}: ${Object.keys(loaded.policy.tasks).length} tasks.`)
    return { check: exposureCheck(loaded) ?? check, loaded }
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return { check: fail('policy', message, fix), loaded: null }
  }
}

export async function engineCheck(place: CheckPlace, context: CliContext): Promise<Check> {
  const state = await engineState(place.paths)
  if (state.installed) return ok('engine', `Engine ${state.version} (${state.variant}) is installed.`)
  return warn(
    'engine',
    `Engine ${state.version} is not installed: ${state.why ?? 'reason unknown'}.`,
    'Run `spillway engine install`.',
    {
      kind: 'download',
      run: async () => {
        const { getEngine } = await import('./get-local.ts')
        const { version, path } = await getEngine(context)
        return `Installed engine ${version} in ${path}.`
      },
    },
  )
}

/** One check for each embedded model of the policy. */
export function modelChecks(loaded: LoadedPolicy | null, place: CheckPlace, context: CliContext): readonly Check[] {
  const models = Object.entries(loaded?.policy.models ?? {})
  return models
    .filter(([, model]) => model.provider === 'embedded')
    .map(([name, model]) => modelCheck({ name, model, place, context }))
}

/** Says which keys are set, never what they are. */
export function keyChecks(loaded: LoadedPolicy | null): readonly Check[] {
  if (!loaded) return []
  return Object.entries(loaded.policy.models)
    .filter(([, model]) => model.apiKey !== undefined)
    .map(([name, model]) => {
      const variable = loaded.missingKeys[name]
      if (variable === undefined) return ok(`key ${name}`, `The key of ${model.model} is set.`)
      return warn(
        `key ${name}`,
        `${variable} is not set, so ${model.model} is unavailable.`,
        `Set ${variable} to escalate to it.`,
      )
    })
}

export async function auditCheck(paths: Paths): Promise<Check> {
  if (!existsSync(paths.stateDir)) return ok('audit', 'No request was recorded yet.')
  try {
    const { readAuditLog } = await import('../stores/audit-log.ts')
    const log = readAuditLog({ stateDir: paths.stateDir })
    try {
      const [latest] = log.list({ limit: 1, newestFirst: true })
      return ok('audit', latest ? `The latest record is of ${latest.receivedAt}.` : 'The store is readable and empty.')
    } finally {
      log.close()
    }
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return fail('audit', message, fix)
  }
}

interface Found {
  readonly loaded: LoadedPolicy | null
  readonly engine: Check
  readonly models: readonly Check[]
}

/** The one question that matters in the end: could any model answer? */
export function runnableCheck({ loaded, engine, models }: Found): Check {
  const local = engine.state === 'ok' && models.some((model) => model.state === 'ok')
  const others = Object.entries(loaded?.policy.models ?? {}).filter(
    // The model of an MCP client is there while a client is, and not here.
    ([name, model]) => !['embedded', 'mcp-client'].includes(model.provider) && !loaded?.missingKeys[name],
  )
  const able = [...(local ? ['the embedded engine'] : []), ...others.map(([name]) => name)]
  if (able.length > 0) return ok('answers', `Requests can be answered by ${able.join(', ')}.`)
  const fix = 'Run `spillway doctor --fix --install`, start a model server such as Ollama, or set a provider key.'
  return fail('answers', 'Nothing can answer: no local model is ready and no provider key is set.', fix)
}

interface Embedded {
  readonly name: string
  readonly model: ModelPolicy
  readonly place: CheckPlace
  readonly context: CliContext
}

function modelCheck({ name, model, place, context }: Embedded): Check {
  const path = model.path ?? place.env.SPILLWAY_MODEL_PATH
  const title = `model ${name}`
  if (path) {
    if (existsSync(path)) return ok(title, `${model.model} is in ${path}.`)
    return fail(title, `${path} is missing.`, `Correct models.${name}.path or SPILLWAY_MODEL_PATH, or remove it.`)
  }
  const entry = findInCatalog(model.model)
  if (!entry) return registeredCheck(title, model.model, place)
  const file = fileOnDisk(entry, place.paths)
  if (file) return ok(title, `${model.model} is in ${file}.`)
  return warn(title, `${model.model} is not on this machine.`, `Run \`spillway models pull ${model.model}\`.`, {
    kind: 'download',
    run: async () => {
      const { getModel } = await import('./get-local.ts')
      const fetched = await getModel(model.model, undefined, context)
      return `Fetched ${model.model} (${fetched.source}) into ${fetched.path}.`
    },
  })
}

/** A model that is not in the catalogue is one that somebody added, or none. */
function registeredCheck(title: string, name: string, { paths }: CheckPlace): Check {
  try {
    const file = locateModel({ name, path: null, env: {}, paths })
    if (file.exists) return ok(title, `${name} is in ${file.path}.`)
    return fail(title, `${file.path} is missing.`, `Run \`spillway models add\` or \`spillway models remove ${name}\`.`)
  } catch (error) {
    const { code, message, fix } = toRouterError(error)
    return fail(title, code === 'not_found' ? `${name} is not in the catalogue.` : message, fix)
  }
}
