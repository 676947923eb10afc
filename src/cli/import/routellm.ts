/** RouteLLM: a strong and a weak model, and a threshold of a router between them. */
import type { Account } from './account.ts'
import { type ImportedModel, type Models, openModels } from './models.ts'
import type { Section, Shape } from './shape.ts'
import { slotsOf } from './tasks.ts'
import { type Fields, fieldsOf, isFields, nameOf, numberOf, textOf } from './values.ts'

/** In code, in flags of its server, and in files both spellings are used. */
const KEYS = {
  strong: ['strong_model', 'strong-model'],
  weak: ['weak_model', 'weak-model'],
} as const

export const routellm: Shape = {
  name: 'routellm',
  title: 'RouteLLM configuration',
  fits: (source) => [...KEYS.strong, ...KEYS.weak].some((key) => key in source) || thresholdIn(source) !== null,
  draft(source, account) {
    const models = openModels(account)
    const weak = modelAt(source, KEYS.weak, { models, account })
    const strong = modelAt(source, KEYS.strong, { models, account })
    sayThreshold(source, account)
    for (const key of ['routers', 'router', 'config', 'mf', 'causal_llm', 'bert', 'sw_ranking', 'random'])
      if (source[key] !== undefined)
        account.dropped([key], {
          why: 'its trained routers are not run; gates judge the answer of the weak model, and a prior may be learned',
          fix: 'Set `prior` of the task once there are records: `spillway prior fit`.',
        })
    const found = [weak, strong].filter((model) => model !== null)
    const section = slotsOf(found)
    const tasks = new Map<string, Section>(section ? [['main', section]] : [])
    return { models: models.sections, tasks, rest: tasks.size > 0 ? { defaults: { task: 'main' } } : {} }
  },
}

interface Reading {
  readonly models: Models
  readonly account: Account
}

/** Names as LiteLLM writes them; an address beside them is for the weak model, as its server has it. */
function modelAt(source: Fields, keys: readonly string[], { models, account }: Reading): ImportedModel | null {
  const key = keys.find((one) => source[one] !== undefined)
  if (key === undefined) return null
  const written = nameOf(source[key])
  if (written === null) {
    account.dropped([key], { why: 'it names no model', fix: 'Write provider/model.' })
    return null
  }
  const isWeak = key.startsWith('weak')
  const base = isWeak
    ? ['api_base', 'alt_base_url', 'base_url', 'alt-base-url', 'base-url'].find((one) => source[one] !== undefined)
    : undefined
  const apiKey = isWeak
    ? ['api_key', 'alt_api_key', 'alt-api-key', 'api-key'].find((one) => source[one] !== undefined)
    : undefined
  const added = models.add({
    at: [key],
    name: written.split('/').at(-1) ?? written,
    ...named(written),
    address: base === undefined ? null : { at: [base], value: source[base] },
    key: apiKey === undefined ? null : { at: [apiKey], value: source[apiKey] },
  })
  if (added) account.carried([key], `models.${added.name}`)
  return added
}

function named(written: string): { readonly provider: string; readonly model: string } {
  const [first = '', ...rest] = written.split('/')
  const provider = first === 'ollama_chat' ? 'ollama' : first
  if (rest.length > 0) return { provider, model: rest.join('/') }
  return { provider: /^claude/i.test(written) ? 'anthropic' : 'openai', model: written }
}

/** `threshold`, one for each router, or inside of a model name such as `router-mf-0.11593`. */
function thresholdIn(source: Fields): { readonly key: string; readonly value: number } | null {
  for (const key of ['threshold', 'thresholds']) {
    const value = isFields(source[key]) ? Object.values(fieldsOf(source[key]))[0] : source[key]
    const number = numberOf(value, { from: 0, to: 1 })
    if (number !== null) return { key, value: number }
  }
  const [, name] = /^router-\w+-(\d*\.?\d+)$/.exec(textOf(source.model) ?? '') ?? []
  const number = numberOf(name, { from: 0, to: 1 })
  return number === null ? null : { key: 'model', value: number }
}

function sayThreshold(source: Fields, account: Account): void {
  const found = thresholdIn(source)
  if (!found) return
  account.dropped([found.key], {
    why: `${found.value} is a cost threshold on a predicted win rate, before an answer is seen; the gates here judge the answer itself, with a bound that is proven`,
    fix: 'Compare shares with `spillway metrics` in shadow; `spillway calibrate` finds the threshold that keeps your bound.',
  })
}
