/** Whether a shadow answer says what the frontier said, and how that was found out. Nobody elsewhere is asked. */
import { comparedText, type Equality, sameAnswer as saysTheSame } from '../gates/equality.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { ShadowAgreement } from '../spec/audit.ts'
import type { AskContext } from './exchange.ts'
import { openAsking } from './opinion-context.ts'
import { type Compared, readVector } from './other-answers.ts'
import { sameAnswer } from './same-answer.ts'
import { referenceVote } from './self-verification.ts'

/**
 * - closed and short kinds: as text (`exact`), scores as numbers (`numeric`);
 * - open kinds: equal texts (`exact`); else the rule of the task's `agreement` when that is `numeric`; else embeddings of a
 *   local model (`semantic`); where there are none, the task's `judge` when it is local (`judge`).
 *
 * @param served the frontier's answer
 * @returns null when nothing on this machine can tell
 */
export async function agreementOf(context: AskContext, asked: Asked, served: string): Promise<ShadowAgreement | null> {
  const { kind, agreement } = context.run.task
  const plain = sameAnswer(kind, asked.answer.text, served)
  if (plain !== null) return { kind: kind === 'score' ? 'numeric' : 'exact', agrees: plain }
  const [own, other] = [compared(comparedText(asked.answer)), compared(served)]
  const rule = { tolerance: agreement?.tolerance ?? 1e-6, minSimilarity: agreement?.minSimilarity ?? 0.98 }
  const under = (equality: Equality['equality']): boolean | null => saysTheSame(own, other, { ...rule, equality })
  if (under('exact')) return { kind: 'exact', agrees: true }
  if (agreement?.equality === 'exact') return { kind: 'exact', agrees: false }
  if (agreement?.equality === 'numeric') return { kind: 'numeric', agrees: under('numeric') === true }
  return (await byMeaning(context, { asked, own, other, under })) ?? (await byJudge(context, asked, served))
}

interface Meaning {
  readonly asked: Asked
  readonly own: Compared
  readonly other: Compared
  readonly under: (equality: 'semantic') => boolean | null
}

async function byMeaning(context: AskContext, { asked, own, other, under }: Meaning): Promise<ShadowAgreement | null> {
  const asking = openAsking(context, asked)
  if (under('semantic') === null) for (const text of [own, other]) await readVector(asking, text)
  const agrees = under('semantic')
  return agrees === null ? null : { kind: 'semantic', agrees }
}

async function byJudge(context: AskContext, asked: Asked, served: string): Promise<ShadowAgreement | null> {
  const { judge } = context.run.task
  if (!judge) return null
  const { probability } = await referenceVote(openAsking(context, asked), judge.by, served)
  return probability === null ? null : { kind: 'judge', agrees: probability >= judge.minProbability }
}

function compared(text: string): Compared {
  return { text, vector: null, isRead: false }
}
