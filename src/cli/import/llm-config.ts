/** `llm_config.yaml`: tiers of models, and how routing chooses between them. */
import type { Account, Path } from './account.ts'
import { type ImportedModel, openModels } from './models.ts'
import type { Section, Shape } from './shape.ts'
import { attemptsFor, slotsOf } from './tasks.ts'
import { type Fields, fieldsOf, isFields, listOf, nameOf, numberOf, textOf } from './values.ts'

/** The third is a frontier here. */
const TIERS = { local_fast: 'local_fast', local_quality: 'local_quality', api_fallback: 'frontier' } as const
type TierName = keyof typeof TIERS

export const llmConfig: Shape = {
  name: 'llm-config',
  title: 'llm_config.yaml',
  fits: (source) => isFields(source.tiers),
  draft(source, account) {
    const models = openModels(account)
    const order: ImportedModel[] = []
    for (const tier of Object.keys(TIERS) as TierName[]) {
      const at: Path = ['tiers', tier, 'models']
      for (const [index, entry] of listOf(fieldsOf(fieldsOf(source.tiers)[tier]).models).entries()) {
        const added = modelOf({ entry, at: [...at, index], tier }, models, account)
        if (added) order.push(added)
      }
    }
    const threshold = numberOf(fieldsOf(source.routing).quality_threshold, { from: 0, to: 1 })
    if (threshold !== null) account.carried(['routing', 'quality_threshold'], 'tasks.main.quality.threshold')
    const section = slotsOf(order, threshold === null ? {} : { quality: { threshold } })
    const tasks = new Map<string, Section>(section ? [['main', section]] : [])
    const rest = routing(fieldsOf(source.routing), attemptsFor(tasks), account)
    return { models: models.sections, tasks, rest: { ...(section && { defaults: { task: 'main' } }), ...rest } }
  },
}

interface Entry {
  readonly entry: unknown
  readonly at: Path
  readonly tier: TierName
}

function modelOf(
  { entry, at, tier }: Entry,
  models: ReturnType<typeof openModels>,
  account: Account,
): ImportedModel | null {
  const fields = fieldsOf(entry)
  const id = nameOf(fields.model_id) ?? nameOf(fields.name)
  if (id === null) {
    account.dropped(at, { why: 'it names no model', fix: 'Write model_id.' })
    return null
  }
  if (fields.enabled === false) {
    account.dropped(at, { why: 'it is not enabled', fix: 'Add it to models when it is wanted.' })
    return null
  }
  const base = ['endpoint', 'base_url', 'api_base'].find((key) => fields[key] !== undefined)
  const wanted = TIERS[tier]
  const added = models.add({
    at,
    name: textOf(fields.name) ?? id,
    provider: (textOf(fields.provider) ?? 'openai').toLowerCase(),
    model: id,
    address: base === undefined ? null : { at: [...at, base], value: fields[base] },
    key: fields.api_key === undefined ? null : { at: [...at, 'api_key'], value: fields.api_key },
    ...(wanted !== 'frontier' && { tier: wanted }),
    more: priceOf(fields, at, account),
  })
  if (!added) return null
  for (const key of ['model_id', 'name', 'provider', 'enabled'])
    if (fields[key] !== undefined) account.carried([...at, key], `models.${added.name}`)
  return added
}

const PER_MILLION = 1000
const MOST_USD = 100

/** Nothing is free: what a local answer costs is for `costs`, not for the price of tokens. */
function priceOf(fields: Fields, at: Path, account: Account): Fields {
  const cost = numberOf(fields.cost_per_1k_tokens, { from: 0, to: MOST_USD })
  const path: Path = [...at, 'cost_per_1k_tokens']
  if (cost === null) return {}
  if (cost === 0) {
    account.dropped(path, { why: 'a price of 0 says nothing', fix: 'Set `costs` for what local answers cost.' })
    return {}
  }
  const usd = Number((cost * PER_MILLION).toPrecision(12))
  account.changed(path, {
    to: 'priceUsdPerMillion',
    why: 'for a million tokens, the same in and out',
    fix: 'Take it out where the bundled price table knows the model.',
  })
  return { priceUsdPerMillion: { input: usd, output: usd } }
}

const MOST_ATTEMPTS = 10
/** What a policy allows where it says nothing. */
const USUAL_ATTEMPTS = 2

/** @param needed further tries without which a tier would never be reached */
function routing(source: Fields, needed: number, account: Account): Fields {
  const overrides = overridesOf(fieldsOf(source.action_tier_overrides), account)
  const prefers = typeof source.prefer_local === 'boolean'
  const caches = typeof source.enable_caching === 'boolean'
  if (prefers) account.carried(['routing', 'prefer_local'], 'routing.preferLocal')
  if (caches) account.carried(['routing', 'enable_caching'], 'cache.exact')
  const attempts = attemptsOf(source, needed, account)
  const keys = {
    ...(prefers && { preferLocal: source.prefer_local }),
    ...(attempts !== null && { maxFallbackAttempts: attempts }),
    ...(Object.keys(overrides).length > 0 && { actionTierOverrides: overrides }),
  }
  return {
    ...(Object.keys(keys).length > 0 && { routing: keys }),
    ...(caches && { cache: { exact: source.enable_caching } }),
  }
}

function attemptsOf(source: Fields, needed: number, account: Account): number | null {
  const wanted = numberOf(source.max_fallback_attempts, { from: 0, to: MOST_ATTEMPTS })
  if (wanted === null || !Number.isInteger(wanted)) return needed > USUAL_ATTEMPTS ? needed : null
  const path: Path = ['routing', 'max_fallback_attempts']
  const to = 'routing.maxFallbackAttempts'
  if (wanted >= needed) account.carried(path, to)
  else account.changed(path, { to, why: `it is ${needed}, so that every tier is reached` })
  return Math.max(wanted, needed)
}

function overridesOf(source: Fields, account: Account): Fields {
  const entries = Object.entries(source).flatMap(([action, tier]) => {
    const path: Path = ['routing', 'action_tier_overrides', action]
    const known =
      typeof tier === 'string' && Object.hasOwn(TIERS, tier)
        ? TIERS[tier as TierName]
        : tier === 'frontier'
          ? tier
          : null
    if (known === null || action === '__proto__') {
      account.dropped(path, { why: 'it names no tier', fix: `Write one of ${Object.keys(TIERS).join(', ')}.` })
      return []
    }
    const to = `routing.actionTierOverrides.${action}`
    if (tier === known) account.carried(path, to)
    else account.changed(path, { to, why: `${String(tier)} is called ${known} here` })
    return [[action, known] as const]
  })
  return Object.fromEntries(entries)
}
