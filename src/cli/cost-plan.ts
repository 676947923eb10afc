/** `spillway cost plan`: what routing would cost at a stated volume, and whether it pays. */
import type { Command } from 'commander'
import {
  type ApiPrice,
  type BreakEven,
  DAYS_PER_MONTH,
  type Plan,
  type PlanInput,
  planCosts,
} from '../eval/cost-plan.ts'
import { PLAN_DEFAULTS, PLAN_PRESETS, type PlanPreset } from '../eval/cost-plan-presets.ts'
import { callCost, type PricedModel } from '../models/prices.ts'
import type { Policy } from '../spec/policy.ts'
import type { Costs } from '../spec/policy-costs.ts'
import { meant } from '../spec/suggest.ts'
import { addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { amount, amounts } from './numbers.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'

export interface PlanFlags {
  readonly preset: string
  readonly policy?: string
  readonly model?: string
  readonly requestsPerDay?: string
  readonly inputTokens?: string
  readonly outputTokens?: string
  readonly price?: string
  readonly inputPrice?: string
  readonly outputPrice?: string
  readonly mix?: string
  readonly rejected?: string
  readonly localTokenFactor?: string
  readonly fastPrice?: string
  readonly qualityPrice?: string
  readonly fastHardware?: string
  readonly qualityHardware?: string
  readonly maintenance?: string
  readonly watts?: string
  readonly usdPerKwh?: string
  readonly fastSpeed?: string
  readonly qualitySpeed?: string
  readonly priceChange?: string
  readonly json?: true
}

export function addCostPlan(group: Command, context: CliContext): void {
  addCommand(
    group,
    'plan',
    'what routing would cost: pure API, local and hybrid by the month, break-even, which tiers pay',
  )
    .option('--preset <name>', `a volume to start from: ${Object.keys(PLAN_PRESETS).join(', ')}`, 'reference')
    .option('--requests-per-day <count>', 'in place of the preset')
    .option('--input-tokens <count>', `of one request; default ${PLAN_DEFAULTS.inputTokens}`)
    .option('--output-tokens <count>', `of one answer; default ${PLAN_DEFAULTS.outputTokens}`)
    .option(
      '--price <usd>',
      `of a million tokens of the frontier, in and out alike; default ${PLAN_DEFAULTS.usdPerMillion}`,
    )
    .option('--input-price <usd>', 'of a million tokens in; goes with --output-price')
    .option('--output-price <usd>', 'of a million tokens out')
    .option('--model <name>', 'price of this model of the policy, or of the price table as in openai:gpt-4.1-nano')
    .option('--mix <percents>', 'who answers: fast,quality,frontier; default 40,35,25')
    .option('--rejected <percent>', 'of all requests: drafted locally in vain, then answered by the frontier', '0')
    .option('--local-token-factor <times>', `tokens that open models take; default ${PLAN_DEFAULTS.localTokenFactor}`)
    .option('--fast-price <usd>', 'of a million tokens of a rented fast model', '0')
    .option('--quality-price <usd>', 'of a million tokens of a rented larger model', '0')
    .option('--fast-hardware <usd>', 'a month, for the fast tier alone', '0')
    .option('--quality-hardware <usd>', 'a month, for the larger tier alone, for example a GPU', '0')
    .option('--maintenance <usd>', 'a month, for any local tier')
    .option('--watts <watts>', 'of the machine while a local model answers')
    .option('--usd-per-kwh <usd>', 'of electricity')
    .option('--fast-speed <tokens>', 'a second, of the fast tier: needed for electricity')
    .option('--quality-speed <tokens>', 'a second, of the larger tier')
    .option('--price-change <percents>', 'of the frontier, to compare; default -50,50,100')
    .option('--policy <file>', 'whose models have prices, and whose costs count where no flag says otherwise')
    .action((flags: PlanFlags) => plan(flags, context))
}

function plan(flags: PlanFlags, context: CliContext): void {
  const told = planFor(flags, () => findPolicy(flags.policy, context).policy)
  if (flags.json) context.terminal.json(told)
  else for (const line of lines(told.input, told, context.terminal.columns)) context.terminal.print(line)
}

export interface ToldPlan extends Plan {
  readonly input: PlanInput
}

/**
 * The calculator by its flags, of the command line and of the console alike.
 *
 * @param policyOf gives prices and costs where flags ask for those of a policy
 * @throws RouterError usage
 */
export function planFor(flags: PlanFlags, policyOf: () => Policy): ToldPlan {
  const input = inputOf(flags, policyOf)
  return { input, ...planned(input) }
}

/** @throws RouterError usage */
function planned(input: PlanInput): Plan {
  try {
    return planCosts(input)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw usage(error.message, 'Write for example --mix 40,35,25 --rejected 10.')
  }
}

function inputOf(flags: PlanFlags, policyOf: () => Policy): PlanInput {
  const costs = flags.policy === undefined ? null : policyOf().costs
  const given = { from: 0 }
  const tokens = {
    inputTokens: amount('--input-tokens', flags.inputTokens ?? PLAN_DEFAULTS.inputTokens, given),
    outputTokens: amount('--output-tokens', flags.outputTokens ?? PLAN_DEFAULTS.outputTokens, given),
  }
  const speeds = {
    fast: speedOf('--fast-speed', flags.fastSpeed),
    quality: speedOf('--quality-speed', flags.qualitySpeed),
  }
  const mix = mixOf(flags.mix)
  return {
    requestsPerDay: amount('--requests-per-day', flags.requestsPerDay ?? presetOf(flags.preset).requestsPerDay, given),
    ...tokens,
    price: priceOf(flags, tokens, policyOf),
    mix,
    rejected: amount('--rejected', flags.rejected ?? '0', { from: 0, to: 100 }),
    localTokenFactor: amount('--local-token-factor', flags.localTokenFactor ?? PLAN_DEFAULTS.localTokenFactor, {
      from: 1,
      to: 100,
    }),
    fast: {
      usdPerMillion: amount('--fast-price', flags.fastPrice ?? '0', given),
      usdPerMonth: amount('--fast-hardware', flags.fastHardware ?? '0', given),
      tokensPerSecond: speeds.fast,
    },
    quality: {
      usdPerMillion: amount('--quality-price', flags.qualityPrice ?? '0', given),
      usdPerMonth: amount('--quality-hardware', flags.qualityHardware ?? '0', given),
      tokensPerSecond: speeds.quality,
    },
    energy: energyOf(flags, costs, { mix, speeds }),
    maintenanceUsdPerMonth: amount('--maintenance', flags.maintenance ?? costs?.maintenanceUsdPerMonth ?? '0', given),
    priceChanges: amounts('--price-change', flags.priceChange ?? PLAN_DEFAULTS.priceChanges.join(','), {
      from: -99.9,
      to: 10_000,
    }),
  }
}

function presetOf(name: string): (typeof PLAN_PRESETS)[PlanPreset] {
  const found = Object.entries(PLAN_PRESETS).find(([known]) => known === name)
  if (found) return found[1]
  throw usage(
    `--preset ${name} is not known`,
    meant(name, Object.keys(PLAN_PRESETS), `Use one of ${Object.keys(PLAN_PRESETS).join(', ')}.`),
  )
}

function mixOf(text: string | undefined): PlanInput['mix'] {
  if (text === undefined) return PLAN_DEFAULTS.mix
  const [fast, quality, frontier, ...more] = amounts('--mix', text, { from: 0, to: 100 })
  if (fast !== undefined && quality !== undefined && frontier !== undefined && more.length === 0)
    return { fast, quality, frontier }
  throw usage(`--mix ${text} does not name three shares`, 'Write fast,quality,frontier in percent: --mix 40,35,25.')
}

function speedOf(flag: string, text: string | undefined): number | null {
  return text === undefined ? null : amount(flag, text, { from: 0.001 })
}

interface Local {
  readonly mix: PlanInput['mix']
  readonly speeds: Readonly<Record<'fast' | 'quality', number | null>>
}

/** Electricity needs power, price and how long an answer takes; a part of it would be a figure that means nothing. */
function energyOf(flags: PlanFlags, costs: Costs | null, { mix, speeds }: Local): PlanInput['energy'] {
  const watts = flags.watts ?? costs?.watts
  const usdPerKwh = flags.usdPerKwh ?? costs?.usdPerKwh
  const isWanted =
    flags.watts !== undefined || flags.usdPerKwh !== undefined || speeds.fast !== null || speeds.quality !== null
  if (!isWanted) return null
  const missing = [
    watts === undefined && '--watts',
    usdPerKwh === undefined && '--usd-per-kwh',
    mix.fast > 0 && speeds.fast === null && '--fast-speed',
    mix.quality > 0 && speeds.quality === null && '--quality-speed',
  ].filter((flag) => flag !== false)
  if (watts === undefined || usdPerKwh === undefined || missing.length > 0)
    throw usage(`electricity cannot be counted without ${missing.join(', ')}`, 'Give them all, or none.')
  return { watts: amount('--watts', watts, { from: 0 }), usdPerKwh: amount('--usd-per-kwh', usdPerKwh, { from: 0 }) }
}

interface Tokens {
  readonly inputTokens: number
  readonly outputTokens: number
}

function priceOf(flags: PlanFlags, tokens: Tokens, policyOf: () => Policy): ApiPrice {
  const { price, inputPrice, outputPrice, model } = flags
  const said = [price, inputPrice ?? outputPrice, model].filter((one) => one !== undefined)
  if (said.length > 1)
    throw usage('the price is said twice', 'Give --price, or --input-price and --output-price, or --model.')
  if (model !== undefined) return { perRequest: modelUsd(model, tokens, policyOf) }
  if ((inputPrice === undefined) !== (outputPrice === undefined))
    throw usage('--input-price and --output-price go together', 'Give both, or --price for one price of all tokens.')
  const flat = price ?? PLAN_DEFAULTS.usdPerMillion
  return {
    inputPerMillion: amount(inputPrice === undefined ? '--price' : '--input-price', inputPrice ?? flat, { from: 0 }),
    outputPerMillion: amount(outputPrice === undefined ? '--price' : '--output-price', outputPrice ?? flat, {
      from: 0,
    }),
  }
}

function modelUsd(name: string, tokens: Tokens, policyOf: () => Policy): number {
  const model = policyOf().models[name] ?? tableModel(name)
  const { costUsd } = model ? callCost(model, { ...tokens, source: 'estimated' }, model.model) : { costUsd: null }
  if (costUsd !== null && model?.tier === 'frontier') return costUsd
  if (model && model.tier !== 'frontier') throw usage(`--model ${name} is a local model`, 'Name a frontier.')
  throw usage(`no price of --model ${name} is known`, 'Name a frontier of the policy, provider:model, or give --price.')
}

/** `provider:model` as the bundled price table knows it. */
function tableModel(name: string): PricedModel | null {
  const [, provider, model] = /^(openai|anthropic):(\S+)$/.exec(name) ?? []
  return model === undefined
    ? null
    : { provider: provider === 'openai' ? 'openai' : 'anthropic', model, tier: 'frontier' }
}

function lines(input: PlanInput, plan: Plan, columns: number): readonly string[] {
  const { mix, requestsPerDay, inputTokens, outputTokens } = input
  const { month, breakEven, recommendation } = plan
  const changes = plan.whatIf.map(({ priceChangePct, month: changed, bySavings }) => [
    `${priceChangePct > 0 ? '+' : ''}${priceChangePct} %`,
    ...[changed.apiUsd, changed.hybridUsd, changed.savedUsd].map(dollars),
    volume(bySavings),
  ])
  return [
    `${requestsPerDay} requests a day of ${inputTokens} + ${outputTokens} tokens; ${mix.fast} % fast, ${mix.quality} % quality, ${mix.frontier} % frontier; a month has ${DAYS_PER_MONTH} days`,
    `a day    pure API ${dollars(plan.day.apiUsd)}, hybrid ${dollars(plan.day.hybridUsd)}, without what is paid by the month`,
    `a month  pure API ${dollars(month.apiUsd)}, local ${dollars(month.localUsd)}, hybrid ${dollars(month.hybridUsd)}; fixed ${dollars(plan.fixedUsdPerMonth)} of it`,
    `saved    ${dollars(month.savedUsd)} a month${month.savedPct === null ? '' : `, ${month.savedPct.toFixed(1)} %`}`,
    '',
    `break-even against pure API: ${breakEven.againstApi.formula}`,
    `break-even by savings: ${breakEven.bySavings.formula}`,
    '',
    ...(changes.length > 0
      ? renderTable(['price', 'pure API', 'hybrid', 'saved', 'break-even'], changes, { columns })
      : []),
    '',
    `recommended: ${recommendation.tiers.join(', ')}, ${dollars(recommendation.monthUsd)} a month. ${recommendation.because}`,
    ...recommendation.compared.map(({ tiers, monthUsd }) => `  ${tiers.join(', ')}: ${dollars(monthUsd)}`),
  ]
}

function volume({ requestsPerDay }: BreakEven): string {
  return requestsPerDay === null ? 'never' : `${requestsPerDay.toFixed(1)} a day`
}

/** Cents, and four digits below a dollar that would else be shown as too little. */
function dollars(value: number): string {
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2
  return `${value < 0 ? '-' : ''}$${Math.abs(value).toFixed(digits)}`
}
