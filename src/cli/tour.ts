/** `spillway tour`: real requests under the shipped tour policy, and what became of each. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../spec/response.ts'
import type { Router } from '../spec/router.ts'
import { loadPolicyFile } from '../stores/policy-file.ts'
import { type AddCommand, addCommand, type CliContext, packageFile, templateFile } from './context.ts'
import { withRouter } from './open-router.ts'
import { dollars, escalationText, milliseconds, type OutcomeJson, outcomeJson } from './outcome-text.ts'
import { oneLine, renderTable, shorten } from './table.ts'

interface TourFlags {
  readonly json?: true
}

/** One request of the tour. */
interface Stop {
  readonly name: string
  readonly text: string
  readonly task: string
}

interface Visited {
  readonly stop: Stop
  readonly outcome: Outcome
}

export const addTour: AddCommand = (program, context) => {
  addCommand(program, 'tour', 'send real requests through the shipped tour policy and show what became of them').action(
    (flags: TourFlags) => tour(flags, context),
  )
}

/** A log of a refused registry login: the case that must never be accepted locally. */
const ACCESS_LOG = 'npm-401.log'

/** Logs of ordinary failures, asked in this order until the gate accepts one answer; those before it are shown, too. */
const ORDINARY_LOGS = ['vitest-401-passed.log', 'go-test.log', 'npm-build-vite.log']

async function tour(flags: TourFlags, context: CliContext): Promise<void> {
  const policy = loadPolicyFile(templateFile('tour'), context.env)
  const visited = await withRouter(policy, context, (router) => visit(router, context))
  if (flags.json) return context.terminal.json({ policy: policy.file, stops: visited.map(stopJson) })
  for (const line of renderTable(HEADINGS, visited.map(row), { columns: context.terminal.columns, whole: WHOLE }))
    context.terminal.print(line)
  for (const line of [...remarks(visited), '', ...NEXT]) context.terminal.print(line)
}

async function visit(router: Router, context: CliContext): Promise<readonly Visited[]> {
  const send = async (stop: Stop): Promise<Visited> => {
    context.terminal.say(`asking: ${stop.name}`)
    const request = { messages: [{ role: 'user' as const, content: stop.text }], metadata: { task: stop.task } }
    return { stop, outcome: await router.complete(request, { signal: context.signal }) }
  }
  const visited: Visited[] = []
  for (const file of ORDINARY_LOGS) {
    visited.push(await send(logStop(file)))
    if (visited.at(-1)?.outcome.decision.reason === 'local_accepted') break
  }
  for (const stop of [logStop(ACCESS_LOG), ...QUESTIONS]) visited.push(await send(stop))
  return visited
}

const QUESTIONS: readonly Stop[] = [
  { name: 'arithmetic', text: 'What is 17.5 * (1204 - 88) / 3?', task: 'question' },
  { name: 'short question', text: 'What is the capital of France?', task: 'question' },
  {
    name: 'hard question',
    text: 'Why does a hash join beat a nested loop join on large unsorted tables?',
    task: 'question',
  },
]

const LOGS = packageFile('examples', 'logs')

function logStop(file: string): Stop {
  return { name: file, text: readFileSync(join(LOGS, file), 'utf8'), task: 'classify_issue' }
}

const HEADINGS = ['input', 'answer', 'route', 'reason', 'proven', 'model', 'time', 'cost']

/** The table is about these; only inputs and answers give way on a narrow terminal. */
const WHOLE = ['route', 'reason', 'proven', 'model', 'time', 'cost']

function row({ stop, outcome }: Visited): readonly string[] {
  const { decision } = outcome
  return [
    stop.name,
    outcome.answer === null ? '' : shorten(oneLine(outcome.answer), 60),
    decision.degraded ? `${decision.route}, degraded` : decision.route,
    decision.reason,
    decision.proven ? 'yes' : 'no',
    decision.model ?? '',
    milliseconds(outcome.latencyMs),
    dollars(outcome.costUsd),
  ]
}

function stopJson({ stop, outcome }: Visited): OutcomeJson & { readonly input: string } {
  return { input: stop.name, ...outcomeJson(outcome) }
}

/** Says what the table cannot: what was held, and where an answer would have gone. */
function remarks(visited: readonly Visited[]): readonly string[] {
  return visited.flatMap(({ stop, outcome }) => {
    const escalation = escalationText(outcome)
    const hit = outcome.hardStops[0]
    const held = outcome.decision.route === 'held' && hit ? [`held for a human, term "${hit.term}"`] : []
    const parts = [...held, ...(escalation ? [escalation] : [])]
    return parts.length === 0 ? [] : [`${stop.name}: ${parts.join('; ')}`]
  })
}

const NEXT = [
  'next  npx spillway ask "What is 15% of 80?"',
  '      npx spillway init        # your own policy in spillway.yaml',
  '      npx spillway serve       # an OpenAI-compatible gateway on this machine',
]
