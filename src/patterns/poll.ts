/** Asks the voters of a consensus, no more of them than the vote needs. */
import type { PatternFact } from '../spec/pattern-record.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { ConsensusOptions } from '../spec/policy-consensus.ts'
import { consulted } from './consulted.ts'
import type { Asked, PatternInput, PatternTools } from './pattern.ts'
import { type Equality, isDecided, type Side, sidesOf, type Vote, voteOf } from './vote.ts'

export interface Panel {
  readonly options: ConsensusOptions
  /** Names, in the order in which they are asked. */
  readonly voters: readonly string[]
}

/** The votes, counted. @throws RouterError cancelled, deadline_exceeded; whoever cannot be asked abstains */
export async function poll(
  input: PatternInput,
  tools: PatternTools,
  { options, voters, equality }: Panel & { readonly equality: Equality },
): Promise<readonly Side[]> {
  const votes: Vote[] = []
  const heard = new Set<string>()
  const isOver = (): boolean => isDecided(sidesOf(votes, equality), outstanding(voters, heard, options))
  const stop = new AbortController()
  const ask = async (name: string): Promise<void> => {
    const vote = await voteFrom(name, { input, tools, options, signal: stop.signal })
    heard.add(name)
    if (vote) votes.push(vote)
    if (isOver()) stop.abort()
  }
  if (options.ask === 'atOnce') await allOf(voters.map(ask))
  else for (const name of voters) if (!stop.signal.aborted) await ask(name)
  const sides = sidesOf(votes, equality)
  tools.note({ rule: options.rule, votes: factsOf(sides), abstained: voters.filter((name) => isSilent(name, votes)) })
  return sides
}

/** The answer of one model to the request, in the form in which the task's answers are got; null when it gave none. */
export async function answerFrom(
  name: string,
  {
    input,
    tools,
    signal,
  }: { readonly input: PatternInput; readonly tools: PatternTools; readonly signal?: AbortSignal },
): Promise<Asked | null> {
  const { request } = input
  const found = await consulted(tools, {
    purpose: 'vote',
    whom: [name],
    read: 'task',
    request,
    ...(signal && { signal }),
  })
  return 'asked' in found ? found.asked : null
}

async function voteFrom(
  name: string,
  from: {
    readonly input: PatternInput
    readonly tools: PatternTools
    readonly options: ConsensusOptions
    readonly signal: AbortSignal
  },
): Promise<Vote | null> {
  const asked = await answerFrom(name, from)
  const task: TaskPolicy = from.input.task
  return asked && voteOf(asked, task, from.options)
}

/** The most that those who have not been heard can add to one side. */
function outstanding(
  voters: readonly string[],
  heard: ReadonlySet<string>,
  { rule, weights }: ConsensusOptions,
): number {
  const open = voters.filter((name) => !heard.has(name))
  return open.reduce((sum, name) => sum + (rule === 'weighted' ? (weights[name] ?? 1) : 1), 0)
}

/** Waits for every call, so that each is on record, and only then fails. */
async function allOf(calls: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(calls)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

function factsOf(sides: readonly Side[]): PatternFact {
  return sides.flatMap(({ votes }, side) => votes.map(({ asked }) => ({ model: asked.model, side })))
}

function isSilent(name: string, votes: readonly Vote[]): boolean {
  return !votes.some(({ asked }) => asked.model === name)
}
