/** What `init` writes a policy from, from what was found and what was wished. Pure. */
import type { LocalServerFound } from '../models/local-servers.ts'
import { onThisMachine } from '../spec/destination.ts'
import { usage } from './failure.ts'
import type { Found } from './found.ts'
import { FRONTIER_PROVIDERS, frontierBlock, type Plan, serverBlock } from './found-plan.ts'
import type { ModelBlock, PolicyChoice } from './policy-text.ts'

export interface Wishes {
  /** auto, embedded, none, or the address of a server on this machine. */
  readonly local: string
  readonly localModel: string | null
  /** auto, none, a provider, or the address of a server. */
  readonly frontier: string
  readonly frontierModel: string | null
}

/** What was asked of the servers that the wishes name. */
export interface Named {
  readonly local: LocalServerFound | null
  /** The models that the server of `frontier` lists; null when it was not asked, or did not answer. */
  readonly frontierModels: readonly string[] | null
}

/** @throws RouterError usage when the wishes cannot be met */
export function choiceOf(wishes: Wishes, known: { readonly found: Found; readonly plan: Plan } & Named): PolicyChoice {
  return { locals: localsFor(wishes, known), frontiers: frontiersFor(wishes, known) }
}

type Known = Parameters<typeof choiceOf>[1]

function localsFor({ local, localModel }: Wishes, { found, plan, local: server }: Known): readonly ModelBlock[] {
  if (local === 'auto' && localModel === null) return plan.locals
  if (local === 'none') return []
  if (local === 'auto' || local === 'embedded') return localModel === null ? [] : [modelHere(localModel, found)]
  if (!URL.canParse(local))
    throw usage(`--local ${local} is neither auto, embedded, none nor an address`, 'See `spillway help init`.')
  if (!onThisMachine(local))
    throw usage(
      `${new URL(local).host} is not this machine, so what goes there is not local`,
      `Use --frontier ${local}: it is then asked like any other frontier.`,
    )
  const models = server?.models.filter(({ runsAt }) => runsAt === null) ?? []
  const model = localModel === null ? models[0] : models.find(({ id }) => id === localModel)
  if (server && model) return [serverBlock('small', { server, model }, {})]
  const problem = server === null ? `No model server answers at ${local}` : `It has no local model ${localModel ?? ''}`
  const listed = models.map(({ id }) => id).join(', ')
  throw usage(problem.trim(), listed ? `It has ${listed}.` : 'Start it, or see `spillway models servers`.')
}

/** A name that a server or the engine of this machine knows. */
function modelHere(name: string, { servers, engine }: Found): ModelBlock {
  for (const server of servers) {
    const model = server.models.find(({ id }) => id === name)
    if (model) return serverBlock('small', { server, model }, {})
  }
  const file = engine.models.find((entry) => entry.name === name)
  const keys = { provider: 'embedded', model: name, tier: 'local_fast', idleUnload: '5m' }
  if (file) return { name: 'small', comment: 'A file on this machine, run by the embedded engine.', keys }
  const known = [...servers.flatMap(({ models }) => models.map(({ id }) => id)), ...engine.models.map((it) => it.name)]
  throw usage(
    `There is no model ${name || '(empty)'} on this machine`,
    known.length > 0 ? `There are ${known.join(', ')}.` : ADD,
  )
}

const ADD = 'Add one with `spillway models add` or `spillway models pull`.'

function frontiersFor({ frontier, frontierModel }: Wishes, { plan, frontierModels }: Known): PolicyChoice['frontiers'] {
  if (frontier === 'auto') return plan.frontiers
  if (frontier === 'none') return []
  if (URL.canParse(frontier)) return [ownServer(frontier, frontierModel ?? frontierModels?.[0] ?? null)]
  const wanted = frontier.split(',').map((name) => name.trim())
  const unknown = wanted.find((name) => !FRONTIER_PROVIDERS.includes(name))
  if (unknown !== undefined)
    throw usage(
      `There is no provider ${unknown} to write down`,
      `Use ${FRONTIER_PROVIDERS.join(', ')}, none, or an address.`,
    )
  const blocks = wanted.map((name) => frontierBlock(name, null))
  if (frontierModel === null) return blocks
  if (blocks.length > 1) throw usage('--frontier-model belongs to one provider', 'Name one with --frontier.')
  return blocks.map((block) => ({ ...block, keys: { ...block.keys, model: frontierModel } }))
}

/** On a network of one's own: known to cost nothing a token, and to be where its owner is. */
function ownServer(address: string, model: string | null): ModelBlock {
  if (model === null)
    throw usage(`${new URL(address).host} lists no model`, 'Start it, or name one with --frontier-model.')
  return {
    name: 'server',
    comment: 'A server of your own. What goes there leaves this machine, so it is masked and recorded.',
    keys: {
      provider: 'openai',
      model,
      tier: 'frontier',
      baseUrl: address.replace(/\/+$/, ''),
      privateNetwork: true,
      residency: 'self',
      priceUsdPerMillion: { input: 0, output: 0 },
    },
  }
}
