/** LiteLLM's `config.yaml`: names that clients ask for, each with one deployment or several. */
import type { Account, Path } from './account.ts'
import { type ForeignModel, type ImportedModel, type Models, openModels } from './models.ts'
import type { Section, Shape } from './shape.ts'
import { attemptsFor, isTaskName, slotsOf } from './tasks.ts'
import { type Fields, fieldsOf, isFields, listOf, nameOf, numberOf, secondsText, textOf } from './values.ts'

export const litellm: Shape = {
  name: 'litellm',
  title: 'LiteLLM config.yaml',
  fits: (source) => Array.isArray(source.model_list),
  draft(source, account) {
    const models = openModels(account)
    const groups = new Map<string, ImportedModel[]>()
    for (const [index, entry] of listOf(source.model_list).entries())
      readEntry({ entry, at: ['model_list', index] }, { models, groups, account })
    for (const [at, list] of fallbackLists(source)) addFallbacks({ at, list }, groups, account)
    const tasks = new Map<string, Section>()
    for (const [name, group] of groups) {
      const section = slotsOf(group)
      if (section) tasks.set(name, section)
    }
    return { models: models.sections, tasks, rest: settings(source, tasks, account) }
  },
}

interface Entry {
  readonly entry: unknown
  readonly at: Path
}

interface Reading {
  readonly models: Models
  readonly groups: Map<string, ImportedModel[]>
  readonly account: Account
}

/** How LiteLLM writes providers, where the word is not that of a preset. */
const PROVIDERS: Readonly<Record<string, string>> = {
  ollama_chat: 'ollama',
  text_completion_openai: 'openai',
  gemini: 'google',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  hosted_vllm: 'vllm',
  lm_studio: 'lmstudio',
  litellm_proxy: 'litellm',
  azure_ai: 'openai',
}

function readEntry({ entry, at }: Entry, { models, groups, account }: Reading): void {
  const fields = fieldsOf(entry)
  const params = fieldsOf(fields.litellm_params)
  const name = textOf(fields.model_name)
  const written = nameOf(params.model)
  if (name === null || written === null) {
    const fix = 'Give the entry a model_name and litellm_params.model, or leave it out.'
    account.dropped(at, { why: 'it names no model', fix })
    return
  }
  if (!isTaskName(name)) {
    const fix = 'List the models that you need by name; `gateway.unknownModel: auto` takes any other.'
    account.dropped(at, { why: 'its model_name is a pattern, or no name that a task can have', fix })
    return
  }
  const mode = textOf(fieldsOf(fields.model_info).mode)
  if (mode !== null && mode !== 'chat' && mode !== 'completion' && mode !== 'responses') {
    const fix =
      mode === 'embedding'
        ? 'Add it to models by hand; /v1/embeddings takes a model by its name.'
        : 'Keep it where it is.'
    account.dropped(at, { why: `models of mode ${mode.slice(0, 30)} are not tasks`, fix })
    return
  }
  const place: Path = [...at, 'litellm_params']
  const { provider, model } = split(written, params)
  const made = models.add({
    ...foreign({ provider, model, params, place }),
    at,
    more: more(fields, at, account),
  })
  if (!made) return
  account.carried([...place, 'model'], `models.${made.name}`)
  const group = groups.get(name) ?? []
  groups.set(name, [...group, made])
  if (mode !== null) account.carried([...at, 'model_info', 'mode'], 'tasks')
  if (group.length === 0) account.carried([...at, 'model_name'], `tasks.${name}`)
  else
    account.changed([...at, 'model_name'], {
      to: `tasks.${name}`,
      why: 'deployments of one name are asked in order, local ones first, and are not drawn by lot',
    })
}

interface Parts {
  readonly provider: string
  readonly model: string
  readonly params: Fields
  readonly place: Path
}

function foreign({ provider, model, params, place }: Parts): Omit<ForeignModel, 'at'> {
  const base = ['api_base', 'base_url'].find((key) => params[key] !== undefined)
  return {
    name: model.split('/').at(-1) ?? model,
    provider,
    model,
    address: base === undefined ? null : { at: [...place, base], value: params[base] },
    key: params.api_key === undefined ? null : { at: [...place, 'api_key'], value: params.api_key },
  }
}

/** `ollama/x`; without a provider LiteLLM knows it by the name of the model. */
function split(written: string, params: Fields): { readonly provider: string; readonly model: string } {
  const own = textOf(params.custom_llm_provider)
  const [first = '', ...rest] = written.split('/')
  const known = PROVIDERS[own ?? first] ?? own ?? first
  if (own !== null) return { provider: known, model: first === own ? rest.join('/') : written }
  if (rest.length > 0) return { provider: known, model: rest.join('/') }
  if (/^claude/i.test(written)) return { provider: 'anthropic', model: written }
  if (/^(gpt|o\d|chatgpt)/i.test(written)) return { provider: 'openai', model: written }
  return { provider: 'unnamed', model: written }
}

const PER_MILLION = 1_000_000

/** Prices, windows and caps of a deployment. */
function more(fields: Fields, at: Path, account: Account): Fields {
  const value: Record<string, unknown> = {}
  for (const part of ['litellm_params', 'model_info'] as const) {
    const from = fieldsOf(fields[part])
    const input = numberOf(from.input_cost_per_token, { from: 0, to: 1 })
    const output = numberOf(from.output_cost_per_token, { from: 0, to: 1 })
    if (input !== null && output !== null) {
      value.priceUsdPerMillion = { input: price(input), output: price(output) }
      for (const key of ['input_cost_per_token', 'output_cost_per_token'])
        account.changed([...at, part, key], { to: 'priceUsdPerMillion', why: 'for a million tokens, not for one' })
    }
    const window = numberOf(from.max_input_tokens, { from: 256, to: 16_777_216 })
    if (window !== null && Number.isInteger(window)) {
      value.contextTokens = window
      account.carried([...at, part, 'max_input_tokens'], 'contextTokens')
    }
    const most = numberOf(from.max_tokens, { from: 1, to: 10_000_000 })
    if (part === 'litellm_params' && most !== null && Number.isInteger(most)) {
      value.maxOutputTokens = most
      account.carried([...at, part, 'max_tokens'], 'maxOutputTokens')
    }
  }
  const version = textOf(fieldsOf(fields.litellm_params).api_version)
  if (
    version !== null &&
    /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version) &&
    /^azure\//.test(textOf(fieldsOf(fields.litellm_params).model) ?? '')
  ) {
    value.apiVersion = version
    account.carried([...at, 'litellm_params', 'api_version'], 'apiVersion')
  }
  return value
}

function price(perToken: number): number {
  return Number((perToken * PER_MILLION).toPrecision(12))
}

function fallbackLists(source: Fields): readonly (readonly [Path, readonly unknown[]])[] {
  return ['router_settings', 'litellm_settings'].flatMap((section) => {
    const list = fieldsOf(source[section]).fallbacks
    return Array.isArray(list) ? [[[section, 'fallbacks'], list] as const] : []
  })
}

interface FallbackList {
  readonly at: Path
  readonly list: readonly unknown[]
}

/** Who is asked when a name fails stands behind the name's own models. */
function addFallbacks({ at, list }: FallbackList, groups: Map<string, ImportedModel[]>, account: Account): void {
  // The lists as they were: one fallback is not followed into the next.
  const own = new Map(groups)
  for (const [index, entry] of list.entries())
    for (const [name, others] of Object.entries(isFields(entry) ? entry : {})) {
      const path: Path = [...at, index, name]
      const group = groups.get(name)
      const all = listOf(others).flatMap((other) => own.get(String(other)) ?? [])
      // Local models are asked before hosted ones, and who stands in for another must not come before it.
      const found = all.filter(({ isLocal }) => !isLocal || group?.some((model) => model.isLocal))
      if (!group || found.length === 0) {
        const isEarlier = group !== undefined && all.length > 0
        const why = isEarlier ? 'a local model would be asked first' : 'it names models that are not in the policy'
        account.dropped(path, { why, fix: 'Name hosted models of model_list, or write the task by hand.' })
        continue
      }
      groups.set(name, [...group, ...found])
      account.carried(path, `tasks.${name}`)
    }
}

const MOST_ATTEMPTS = 10

function settings(source: Fields, tasks: ReadonlyMap<string, Section>, account: Account): Fields {
  const retries = firstSetting(source, 'num_retries')
  const count = retries && numberOf(retries.value, { from: 0, to: MOST_ATTEMPTS })
  const attempts = Math.max(attemptsFor(tasks), count ?? 0)
  if (retries && count !== null && Number.isInteger(count))
    account.changed(retries.at, {
      to: 'routing.maxFallbackAttempts',
      why:
        attempts === count
          ? 'further tries go to the next model first'
          : `it is ${attempts}, so that every tier is reached`,
    })
  const timeout = firstSetting(source, 'timeout') ?? firstSetting(source, 'request_timeout')
  const total = timeout && secondsText(timeout.value)
  if (timeout && total) account.carried(timeout.at, 'deadlines.frontier.total')
  masterKey(source, account)
  const [first] = tasks.keys()
  return {
    ...(first !== undefined && { defaults: { task: first } }),
    ...((count !== null && retries) || attempts > 2 ? { routing: { maxFallbackAttempts: Math.trunc(attempts) } } : {}),
    ...(total && { deadlines: { frontier: { total } } }),
  }
}

function firstSetting(source: Fields, key: string): { readonly at: Path; readonly value: unknown } | null {
  const section = ['router_settings', 'litellm_settings'].find((name) => fieldsOf(source[name])[key] !== undefined)
  return section === undefined ? null : { at: [section, key], value: fieldsOf(source[section])[key] }
}

function masterKey(source: Fields, account: Account): void {
  if (fieldsOf(source.general_settings).master_key === undefined) return
  account.dropped(['general_settings', 'master_key'], {
    why: 'the gateway makes its own keys',
    fix: 'Give every client one: `spillway keys create <name>`.',
  })
}
