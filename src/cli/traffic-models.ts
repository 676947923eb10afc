/** The models of a proposed policy: those of the user's own, or what the traffic was sent to. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { LoggedCall } from '../eval/import/logged-call.ts'
import { callCost } from '../models/prices.ts'
import type { Usage } from '../spec/decision.ts'

type Section = Readonly<Record<string, unknown>>

export interface TrafficModels {
  /** As it stands in a policy file. */
  readonly section: Section
  /** The policy's name for a model of the traffic; null: any frontier. */
  readonly frontierFor: (model: string) => string | null
}

const SMALL = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', idleUnload: '5m' }
const PROVIDERS = {
  openai: { preset: 'openai', provider: 'openai', apiKey: `\${env:OPENAI_API_KEY}` },
  anthropic: { preset: 'anthropic', provider: 'anthropic', apiKey: `\${env:ANTHROPIC_API_KEY}` },
} as const
const MOST_MODELS = 8

/** @param file the user's policy, which has been checked */
export function modelsOfPolicy(file: string): TrafficModels {
  const written: unknown = parse(readFileSync(file, 'utf8'))
  const models = typeof written === 'object' && written !== null && 'models' in written ? written.models : {}
  const own = (models ?? {}) as Section
  const hasLocal = Object.values(own).some((model) => (model as Section | null)?.tier !== 'frontier')
  // Without any local model there would be nothing to propose.
  const section = hasLocal ? own : { [uniqueName('small', own)]: SMALL, ...own }
  const names = Object.entries(section).map(([name, model]) => [name, (model as Section | null)?.model] as const)
  return {
    section,
    frontierFor: (model) => names.find(([name, id]) => name === model || id === model)?.[0] ?? null,
  }
}

/** One frontier for each name that the traffic asked for, the most frequent first, and a small local model. */
export function modelsOfTraffic(calls: readonly LoggedCall[]): TrafficModels {
  const counts = new Map<string, { count: number; provider: ProviderName }>()
  for (const { model, request } of calls) {
    if (model === null || model === 'unknown') continue
    const known = counts.get(model)
    if (known) known.count += 1
    else counts.set(model, { count: 1, provider: providerOf(model, request.wire?.dialect) })
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b.count - a.count).slice(0, MOST_MODELS)
  const names = new Map<string, string>()
  const section: Record<string, unknown> = { small: SMALL }
  for (const [model, { provider }] of sorted) {
    const name = uniqueName(model, section)
    names.set(model, name)
    section[name] = { ...PROVIDERS[provider], model: bareModel(model), tier: 'frontier' }
  }
  return { section, frontierFor: (model) => names.get(model) ?? null }
}

type ProviderName = keyof typeof PROVIDERS

/** A log of a proxy writes every call in one dialect; what the model is called says more. */
function providerOf(model: string, dialect: string | undefined): ProviderName {
  return dialect === 'anthropic_messages' || /(?:^|\/)claude/i.test(model) ? 'anthropic' : 'openai'
}

/** Proxies write the provider before the name. */
function bareModel(model: string): string {
  return model.replace(/^(?:openai|anthropic|azure)\//, '')
}

function uniqueName(model: string, taken: Section): string {
  const plain =
    bareModel(model)
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z]+/, '') || 'frontier'
  let name = plain
  for (let count = 2; name in taken; count += 1) name = `${plain}-${count}`
  return name
}

/** By the bundled price table; null for models that it does not know. */
export function listPriceUsd(call: LoggedCall, usage: Usage): number | null {
  if (call.model === null) return null
  const model = bareModel(call.model)
  const provider = providerOf(call.model, call.request.wire?.dialect)
  return callCost({ provider, model, tier: 'frontier' }, usage, model).costUsd
}
