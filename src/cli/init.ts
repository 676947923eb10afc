/** `spillway init`: a commented policy file from what is on this machine, by questions or by flags. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Option } from 'commander'
import { RouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { parsePolicy } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext, templateFile } from './context.ts'
import { usage } from './failure.ts'
import { findAround } from './found.ts'
import { type Plan, planFrom, SHIPPED_MODEL } from './found-plan.ts'
import { choiceOf, type Wishes } from './init-choice.ts'
import { askServers } from './init-servers.ts'
import { INIT_TEMPLATES, type InitTemplate, TEMPLATE_USES } from './init-templates.ts'
import { POLICY_FILE } from './policy-lookup.ts'
import { policyText } from './policy-text.ts'
import { printResult } from './terminal.ts'
import { waysOut, waysOutLines } from './ways-out.ts'

interface InitFlags {
  readonly template?: InitTemplate
  readonly local?: string
  readonly localModel?: string
  readonly frontier?: string
  readonly frontierModel?: string
  readonly install?: true
  readonly yes?: true
  /** False with `--no-input`. */
  readonly input: boolean
  readonly force?: true
  readonly json?: true
}

export const addInit: AddCommand = (program, context) => {
  addCommand(program, 'init [file]', `write a commented ${POLICY_FILE} from what is on this machine`)
    .addOption(new Option('--template <name>', 'what it is for (default: agent)').choices([...INIT_TEMPLATES]))
    .option('--local <who>', 'auto, embedded, none, or the address of a server on this machine (default: auto)')
    .option('--local-model <id>', 'a model on this machine, instead of the one that fits best')
    .option(
      '--frontier <who>',
      'auto, none, providers (anthropic,openai,…), or the address of a server (default: auto)',
    )
    .option('--frontier-model <id>', 'its model, instead of a cheap one')
    .option('--install', 'also fetch the engine and its model, where the embedded engine is to answer')
    .option('--yes', 'ask nothing and do what the questions would propose, --install included')
    .option('--no-input', 'ask nothing and fetch nothing; so it is where no terminal is')
    .option('--force', 'overwrite a file that exists')
    .action((file: string | undefined, flags: InitFlags) => init(file ?? POLICY_FILE, flags, context))
}

/** What is to be done, whoever said so. */
interface Orders {
  readonly template: InitTemplate
  readonly wishes: Wishes
  readonly install: boolean
}

async function init(file: string, flags: InitFlags, context: CliContext): Promise<void> {
  // Before any question.
  if (existsSync(file) && !flags.force)
    throw usage(`${file} exists already`, 'Name another file, or overwrite it with --force.')
  const found = await findAround(context)
  const plan = planFrom(found, context.env)
  const orders = isAsking(flags) ? await asked({ found, plan, flags }) : ordered(flags, plan)
  if (!TEMPLATE_USES[orders.template].leaves && !['auto', 'none'].includes(orders.wishes.frontier))
    throw usage(
      `Under ${orders.template} nothing leaves this machine`,
      'Leave --frontier out, or choose another --template.',
    )
  const named = await askServers(orders.wishes, context)
  const choice = choiceOf(orders.wishes, { found, plan, ...named })
  const text = policyText(readFileSync(templateFile(orders.template), 'utf8'), choice)
  const loaded = parsePolicy(text, { file, env: context.env })
  // Fetched before anything is written: after a failure the same command, or another way, starts from nothing.
  const installed = orders.install ? await install(loaded, context) : []
  write(file, text)
  report({ file, orders, loaded, installed, flags }, context)
}

/** Nothing waits for a person who is not there. */
function isAsking({ input, yes, json }: InitFlags): boolean {
  return input && !yes && !json && process.stdin.isTTY === true && process.stderr.isTTY === true
}

async function asked(known: Pick<Plannings, 'found' | 'plan'> & { readonly flags: InitFlags }): Promise<Orders> {
  const [{ terminalAsker }, { askQuestions }] = await Promise.all([import('./asker.ts'), import('./init-questions.ts')])
  const { found, plan, flags } = known
  const { template = null, local = null, frontier = null } = flags
  const answers = await askQuestions(await terminalAsker(), { found, plan, given: { template, local, frontier } })
  const wishes = { ...answers.wishes, ...modelsOf(flags, answers.wishes) }
  return { ...answers, wishes, install: answers.install || flags.install === true }
}

interface Plannings {
  readonly found: Awaited<ReturnType<typeof findAround>>
  readonly plan: Plan
}

function modelsOf(flags: InitFlags, asked: Wishes): Pick<Wishes, 'localModel' | 'frontierModel'> {
  return {
    localModel: flags.localModel ?? asked.localModel,
    frontierModel: flags.frontierModel ?? asked.frontierModel,
  }
}

/** `--yes` fetches what the questions would propose to fetch: where no server answers, the embedded engine does. */
function ordered(flags: InitFlags, plan: Plan): Orders {
  const { template = 'agent', local = 'auto', localModel = null, frontier = 'auto', frontierModel = null } = flags
  const isEmbedded = local === 'embedded' || (local === 'auto' && localModel === null && plan.locals.length === 0)
  return {
    template,
    wishes: { local, localModel, frontier, frontierModel },
    install: flags.install === true || (flags.yes === true && flags.input && isEmbedded),
  }
}

/** @returns the catalogue and registry names of the models that are here now */
async function install({ policy }: LoadedPolicy, context: CliContext): Promise<readonly string[]> {
  const { getEngine, getModel } = await import('./get-local.ts')
  const models = Object.values(policy.models).filter(({ provider }) => provider === 'embedded')
  try {
    if (models.length > 0) await getEngine(context)
    for (const { model, path } of models) await getModel(model, path, context)
    return models.map(({ model }) => model)
  } catch (error) {
    if (!context.signal.aborted) for (const line of waysOutLines(waysOut(context))) context.terminal.say(line)
    throw error
  }
}

interface Written {
  readonly file: string
  readonly orders: Orders
  readonly loaded: LoadedPolicy
  readonly installed: readonly string[]
  readonly flags: InitFlags
}

function report({ file, orders, loaded, installed, flags }: Written, context: CliContext): void {
  const { policy, missingKeys } = loaded
  const tasks = Object.keys(policy.tasks)
  const models = Object.entries(policy.models).map(([name, { provider, model, tier }]) => ({
    name,
    provider,
    model,
    tier,
  }))
  const value = { file, template: orders.template, tasks, models, missingKeys, installed }
  const lines = [
    `wrote ${file} from the ${orders.template} template: ${tasks.length} tasks.`,
    ...models.map(({ name, model, tier }) => {
      const missing = missingKeys[name]
      return `  ${name}: ${model}, ${tier}${missing ? `, once ${missing} is set` : ''}`
    }),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
  const waits = models.some(({ provider, model }) => provider === 'embedded' && model === SHIPPED_MODEL)
  const get = waits && installed.length === 0 ? ['spillway doctor --fix --install', ''] : []
  const steps = ['spillway policy check', 'spillway doctor', `spillway ask --task ${tasks[0] ?? 'name'} "…"`, ...get]
  context.terminal.say(`Next: ${steps.filter((step) => step !== '').join(' · ')}`)
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOSPC') throw new RouterError('disk_full', { path: file }, error)
    throw usage(`${file} cannot be written (${code})`, 'Choose a folder that exists and that you may write to.')
  }
}
