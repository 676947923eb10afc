/** What `spillway` alone tells people: found, plan, test, ready, next. Pure. */
import type { Found } from './found.ts'
import { FRONTIER_PROVIDERS, serverName } from './found-plan.ts'
import type { GatewayAddresses } from './gateway-run.ts'
import { dollars } from './outcome-text.ts'
import type { PlannedModel, PlanView } from './start-plan.ts'
import type { Tests, Tried } from './start-tests.ts'

const INDENT = ' '.repeat(7)

/** The first line of each part carries its name. */
function part(name: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `${index === 0 ? name.padEnd(INDENT.length) : INDENT}${line}`)
}

export function foundLines({ servers, engine, keys, memory, notes }: Found): readonly string[] {
  const told = servers.map(({ kind, version, baseUrl, models }) => {
    const [first, ...more] = models.map(({ id }) => id)
    const list = first === undefined ? 'no model' : `${first}${more.length > 0 ? ` and ${more.length} more` : ''}`
    return `${serverName(kind)}${version ? ` ${version}` : ''} on port ${new URL(baseUrl).port || 80}: ${list}`
  })
  const files = engine.models.map(({ name }) => name).join(', ') || 'no model file'
  const unplanned = keys.filter(({ provider }) => !FRONTIER_PROVIDERS.includes(provider))
  return part('found', [
    ...(told.length === 0 ? ['no model server on the usual ports'] : told),
    `${engine.installed ? 'embedded engine' : 'no embedded engine'}, ${files}`,
    keys.length === 0 ? 'no provider key' : `keys in ${keys.map(({ variable }) => variable).join(', ')}`,
    `${gigabytes(memory.totalBytes)} memory, ${gigabytes(memory.availableBytes)} of it free`,
    ...notes.map((note) => `note: ${note}`),
    ...unplanned.map(({ variable }) => `note: ${variable} is used once a policy names a model for it.`),
  ])
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

export function planLines({ policyFile, locals, frontiers }: PlanView): readonly string[] {
  const able = (models: readonly PlannedModel[]): readonly string[] =>
    models.filter(({ ready }) => ready).map(({ model, destination }) => `${model} (${destination})`)
  const local = able(locals)
  const frontier = able(frontiers)
  const steps = [
    'solvers, rules, cache',
    local.join(' or ') || 'no local model yet',
    'gate',
    frontier.join(' or ') || 'no frontier yet',
  ]
  const waiting = [...locals, ...frontiers].filter(({ ready }) => !ready)
  return part('plan', [
    steps.join(' -> '),
    ...(policyFile === null ? [] : [`as ${policyFile} says`]),
    ...waiting.map(({ model, why }) => `waits: ${model}, ${why}`),
  ])
}

export function testLines({ local, frontier }: Tests, view: PlanView): readonly string[] {
  const idOf = (name: string | null): string =>
    [...view.locals, ...view.frontiers].find((model) => model.name === name)?.model ?? 'a model'
  const lines = [
    ...(local ? triedLines('local', local, idOf(local.model)) : []),
    ...(frontier ? triedLines('frontier', frontier, idOf(frontier.model)) : []),
  ]
  return part('test', lines.length === 0 ? ['nothing to try'] : lines)
}

function triedLines(side: string, tried: Tried, model: string): readonly string[] {
  if (!tried.ok) return [`${side} failed: ${tried.problem}`, ...(tried.fix ? [`  fix ${tried.fix}`] : [])]
  const seconds = `${((tried.latencyMs ?? 0) / 1000).toFixed(1)} s`
  const signals = tried.hasSignals === null ? '' : `, log-probabilities: ${tried.hasSignals ? 'yes' : 'no'}`
  const cost = side === 'frontier' || tried.costUsd ? `, cost ${dollars(tried.costUsd)}` : ''
  return [`${side} ${model} answered in ${seconds}${signals}${cost}`]
}

export function readyLines(addresses: GatewayAddresses): readonly string[] {
  const { openaiBaseUrl, anthropicBaseUrl, dashboardUrl, keyFile } = addresses
  return part('ready', [
    `OpenAI     ${openaiBaseUrl}`,
    `Anthropic  ${anthropicBaseUrl}`,
    ...(dashboardUrl === null ? [] : [`Dashboard  ${dashboardUrl}`]),
    `API key    $(cat ${keyFile})`,
  ])
}

interface NextSteps {
  readonly view: PlanView
  readonly stateDir: string
}

export function nextLines({ view, stateDir }: NextSteps): readonly string[] {
  const hasLocal = view.locals.some(({ ready }) => ready)
  const hasFrontier = view.frontiers.some(({ ready }) => ready)
  const kept =
    view.policyFile === null ? ['spillway init                          writes this plan down as your policy'] : []
  const more = [
    ...(hasLocal ? [] : ['spillway init --install                gets the engine and a small local model (130 MB)']),
    ...(hasFrontier
      ? []
      : ['export ANTHROPIC_API_KEY=…             or another provider key: for what is too hard locally']),
  ]
  return part('next', [
    'spillway ask "What is 12.5% of 480?"   answers in another terminal',
    'spillway launch claude                 starts a tool you have, pointed here',
    ...more,
    ...kept,
    `Ctrl-C stops. No configuration was written; key and audit are in ${stateDir}`,
  ])
}
