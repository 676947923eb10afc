/** Gives a caller who reads as it comes an answer before its pattern has ended. */
import type { Asked } from '../patterns/pattern.ts'
import type { Reason } from '../spec/decision.ts'
import type { AskContext } from './exchange.ts'
import { decisionOf } from './respond.ts'
import { written } from './run.ts'

/** @returns the same answer, marked delivered where somebody reads */
export async function deliverNow({ run, deps, sink }: AskContext, asked: Asked, reason: Reason): Promise<Asked> {
  if (!sink.streaming || sink.committed) return asked
  await written(run, deps)
  const { model, tier, actor: route } = asked
  await sink.push({
    type: 'commit',
    requestId: run.requestId,
    attempts: run.attempts.length,
    decision: decisionOf(run, { route, reason, degraded: false, model, tier }),
  })
  if (asked.answer.text !== '') await sink.push({ type: 'text', delta: asked.answer.text })
  return { ...asked, delivered: true }
}
