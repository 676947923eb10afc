/** What others say of an answer that lies in the grey zone: asked for gate by gate, until one rejects. */
import type { GateInput, GateName } from '../gates/gate.ts'
import { type NamedGate, runGates } from '../gates/gates.ts'
import { isInside, scoreBefore } from '../gates/grey-zone.ts'
import type { Opinions } from '../gates/opinions.ts'
import { critiqueDecides, qualityFacts } from '../gates/quality.ts'
import type { Asked } from '../patterns/pattern.ts'
import type { Verdict } from '../spec/decision.ts'
import type { AskContext } from './exchange.ts'
import { type Asking, openAsking } from './opinion-context.ts'
import { otherAnswers } from './other-answers.ts'
import { runCheck } from './run-check.ts'
import { critiqueOf, judgeVotes } from './self-verification.ts'

/** An answer that every other gate accepted. */
export interface Doubt {
  readonly asked: Asked
  readonly input: GateInput
  /** Of those gates. */
  readonly verdicts: readonly Verdict[]
  /** The gates that read opinions. */
  readonly gates: readonly NamedGate[]
}

/**
 * The verdicts of the gates that read opinions, in order, up to the first rejection: what comes after it would cost and
 * change nothing.
 *
 * @throws RouterError cancelled; every other failure is a missing opinion, which accepts nothing
 */
export async function opinionVerdicts(context: AskContext, doubt: Doubt): Promise<readonly Verdict[]> {
  const asking = openAsking(context, doubt.asked)
  const verdicts: Verdict[] = []
  let opinions: Opinions = { score: scoreBefore(doubt.verdicts, doubt.asked) }
  for (const gate of doubt.gates) {
    opinions = { ...opinions, ...(await gather(gate.name, asking, { ...doubt.input, opinions })) }
    verdicts.push(...runGates([gate], { ...doubt.input, opinions }))
    if (verdicts.at(-1)?.accepted !== true) break
  }
  return verdicts
}

/** What a gate needs and nobody was asked for yet. */
async function gather(gate: GateName, asking: Asking, input: GateInput): Promise<Partial<Opinions>> {
  const { agreement, judge, quality } = input.task
  const score = input.opinions?.score ?? null
  if (gate === 'verify_command' && input.task.verify?.command)
    return { check: await runCheck(asking.context, input.task.verify.command, input.answer.text) }
  if (gate === 'agreement' && agreement && isInside(score, agreement.greyZone)) {
    return { answers: await otherAnswers(asking, agreement) }
  }
  if (gate === 'judge' && judge && isInside(score, judge.greyZone)) return { votes: await judgeVotes(asking, judge) }
  if (gate === 'quality' && quality && critiqueDecides(qualityFacts(input), quality)) {
    return { critique: await critiqueOf(asking, quality) }
  }
  return {}
}
