/** The same question again: to other local models, or as samples of the one that answered. */
import { comparedText, sameAnswer } from '../gates/equality.ts'
import { type ComparedAnswer, type OtherAnswers, ROUNDING } from '../gates/opinions.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { variesBySampling } from '../spec/policy-gate-problems.ts'
import { SELF } from '../spec/policy-gates.ts'
import type { ModelPort } from '../spec/ports.ts'
import type { OpinionCall } from './attempt.ts'
import { generateOnce, type Reader } from './exchange.ts'
import { type Asking, mayAsk, opinionOf } from './opinion-context.ts'

type Rule = NonNullable<TaskPolicy['agreement']>

/**
 * Asks until the share of equal answers is settled either way; with a limit of semantic entropy everybody is asked, since
 * every answer counts there. One after the other: local models share one machine, and the next may not be needed.
 */
export async function otherAnswers(asking: Asking, rule: Rule): Promise<OtherAnswers> {
  const calls = callsFor(asking, rule)
  const own = comparedOf(asking.asked)
  const others: (Compared | null)[] = []
  const wanted = Math.max(1, calls.length)
  for (const call of calls) {
    if (rule.maxSemanticEntropyNats === null && isSettled(own, others, { rule, wanted })) break
    const answer = await opinionOf(asking, 'agreement', call)
    const compared = answer && comparedOf(answer)
    if (compared) await embedWhereNeeded(asking, rule, { own, others, compared })
    others.push(compared)
  }
  return { own: plain(own), others: others.map((other) => other && plain(other)), wanted }
}

type Call = Omit<OpinionCall, 'adapter' | 'totalMs'>

/** Where none of the named models can be used, an answer that is written is sampled instead; what is read is not. */
function callsFor(asking: Asking, rule: Rule): readonly Call[] {
  const { request, task } = asking.context.run
  const peers = rule.with
    .filter((name) => name !== SELF && name !== asking.asked.model && mayAsk(asking, name))
    .map((model): Call => ({ model, request, prompt: 'task' }))
  const sampled = (rule.with.includes(SELF) || peers.length === 0) && variesBySampling(task.kind)
  return sampled ? [...peers, ...samplesOf(asking, rule)] : peers
}

/** Written afresh, also where the answer itself was read: a reading is the same every time. */
function samplesOf({ asked, context }: Asking, { samples, temperature }: Rule): readonly Call[] {
  const { request } = context.run
  // Seeds that differ, also from the caller's: equal seeds would agree with certainty and mean nothing.
  return Array.from(
    { length: samples },
    (_, at): Call => ({
      model: asked.model,
      request: { ...request, temperature, seed: (request.seed ?? 0) + at + 1 },
      prompt: 'task',
      read: generateOnce,
    }),
  )
}

/** An answer on its way to being compared. */
export interface Compared {
  readonly text: string
  vector: readonly number[] | null
  /** A model that gave no vector once is not asked for the same text again. */
  isRead: boolean
}

function comparedOf({ answer, option }: Asked): Compared {
  return { text: option?.value ?? comparedText(answer), vector: null, isRead: false }
}

function plain({ text, vector }: Compared): ComparedAnswer {
  return { text, vector }
}

function isSettled(
  own: Compared,
  others: readonly (Compared | null)[],
  { rule, wanted }: { readonly rule: Rule; readonly wanted: number },
): boolean {
  const same = others.map((other) => (other === null ? null : sameAnswer(own, other, rule)))
  const agreeing = same.filter((equal) => equal === true).length
  const against = same.filter((equal) => equal === false).length
  const { minShare } = rule
  return agreeing / wanted >= minShare - ROUNDING || (wanted - against) / wanted < minShare - ROUNDING
}

/** An embedding costs a call, so it is read only where words alone do not tell whether two answers are equal. */
async function embedWhereNeeded(
  asking: Asking,
  rule: Rule,
  { own, others, compared }: { own: Compared; others: readonly (Compared | null)[]; compared: Compared },
): Promise<void> {
  const clustered = rule.maxSemanticEntropyNats === null ? [] : others.filter((other) => other !== null)
  for (const earlier of [own, ...clustered]) {
    if (sameAnswer(earlier, compared, rule) !== null) continue
    for (const answer of [earlier, compared]) await readVector(asking, answer)
  }
}

/** An answer of which no local model gives a vector stays without. */
export async function readVector(asking: Asking, answer: Compared): Promise<void> {
  const model = answer.isRead ? null : embedderOf(asking)
  answer.isRead = true
  if (model === null) return
  const read: Reader = async ({ port }, limits) => {
    if (!port.embed) throw new Error(`model ${port.name} gives no embedding`)
    const { vector, usage, identity } = await port.embed(answer.text, limits)
    answer.vector = vector
    const embedded = { text: '', toolCalls: [], finishReason: 'stop', usage, signals: null, raw: null } as const
    return { answer: embedded, option: null, identity, firstTokenMs: null }
  }
  await opinionOf(asking, 'agreement', { model, request: asking.context.run.request, prompt: 'own', read })
}

/** The model that answered, else the first local one that can; always the same one for an answer's comparison. */
function embedderOf(asking: Asking): string | null {
  const { roster } = asking.context.deps
  const names = roster.states().flatMap(({ name, actor }) => (actor === 'local' && mayAsk(asking, name) ? [name] : []))
  const portOf = (name: string): ModelPort =>
    roster.port(name, { adapter: name === asking.asked.model ? asking.context.run.task.adapter : undefined })
  return [asking.asked.model, ...names].find((name) => portOf(name).embed !== undefined) ?? null
}
