/** The questions of `init`, for a person at a terminal. */
import type { LocalServerModel } from '../models/local-servers.ts'
import type { Asker, Choice } from './asker.ts'
import type { Found } from './found.ts'
import { isChatModel, type Plan, serverName } from './found-plan.ts'
import type { Wishes } from './init-choice.ts'
import { type InitTemplate, TEMPLATE_USES } from './init-templates.ts'

export interface Answers {
  readonly template: InitTemplate
  readonly wishes: Wishes
  /** Whether to fetch the engine and its model now. */
  readonly install: boolean
}

interface Asking {
  readonly found: Found
  readonly plan: Plan
  /** What flags have answered already. */
  readonly given: {
    readonly template: InitTemplate | null
    readonly local: string | null
    readonly frontier: string | null
  }
}

/** @throws ExitCode 130 when the person breaks off */
export async function askQuestions(asker: Asker, { found, plan, given }: Asking): Promise<Answers> {
  const template = given.template ?? (await asker.select('What is it for?', templateChoices(), 'agent'))
  const local =
    given.local === null
      ? await asker.select(
          'Who answers first, on this machine?',
          localChoices(found),
          String(plan.locals[0]?.keys.model ?? 'embedded'),
        )
      : given.local
  const leaves = TEMPLATE_USES[template].leaves
  const frontier =
    given.frontier ??
    (leaves ? await asker.select('Who answers what is too hard?', frontierChoices(found), 'auto') : 'none')
  const isModel = given.local === null && local !== 'embedded' && local !== 'none'
  const isMissing = !found.engine.installed || found.engine.models.length === 0
  const install =
    local === 'embedded' &&
    isMissing &&
    (await asker.confirm('Fetch the engine (30 MB) and the model (98 MB) now?', true))
  return {
    template,
    wishes: {
      local: isModel ? 'auto' : String(local),
      localModel: isModel ? String(local) : null,
      frontier,
      frontierModel: null,
    },
    install,
  }
}

function templateChoices(): readonly Choice<InitTemplate>[] {
  return Object.entries(TEMPLATE_USES).map(([value, { use, what }]) => ({
    value: value as InitTemplate,
    label: use,
    hint: what,
  }))
}

function localChoices({ servers, engine }: Found): readonly Choice<string>[] {
  const ofServers = servers.flatMap((server) =>
    server.models
      .filter((model) => server.kind !== 'openai' && isChatModel(model))
      .map((model) => ({
        value: model.id,
        label: model.id,
        hint: `${serverName(server.kind)}${sizeOf(model)}`,
      })),
  )
  const files = engine.models
    .filter(({ name }) => !ofServers.some(({ value }) => value === name))
    .map(({ name }) => ({ value: name, label: name, hint: 'a file here, run by the embedded engine' }))
  return [
    ...ofServers,
    ...(engine.installed ? files : []),
    { value: 'embedded', label: 'the small model of the embedded engine', hint: 'SmolLM2 135M, runs on any machine' },
    { value: 'none', label: 'nobody for now', hint: 'solvers, rules and cache; the same file when a model comes' },
  ]
}

function sizeOf({ sizeBytes }: LocalServerModel): string {
  return sizeBytes === null ? '' : `, ${(sizeBytes / 1e9).toFixed(1)} GB`
}

function frontierChoices({ keys }: Found): readonly Choice<string>[] {
  const own = keys.map(({ variable }) => variable).join(', ')
  return [
    {
      value: 'auto',
      label: own ? `what ${own} gives` : 'Anthropic or OpenAI, once a key is set',
      hint: 'text is masked before it leaves',
    },
    { value: 'none', label: 'nobody', hint: 'nothing leaves this machine' },
  ]
}
