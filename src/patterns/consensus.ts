import { firstRejection, isDoubt, isStopped } from '../gates/gates.ts'
import { scoreBefore } from '../gates/grey-zone.ts'
import type { Reason, Verdict } from '../spec/decision.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import { cascade } from './cascade.ts'
import { acceptedDraft, escalated } from './drafting.ts'
import type { Asked, Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { answerFrom, type Panel, poll } from './poll.ts'
import type { Draft } from './stand-in.ts'
import { equalityOf, type Side, winnerOf } from './vote.ts'

/**
 * Several models answer the same request, and vote. Who is not needed any more is not asked, or stopped. A tie goes to the frontier: its vote
 * stands where it has one, else it is asked. Where nobody but one may vote, and for an audit sample, the cascade decides.
 */
export const consensus: Pattern = async (input, tools) => {
  const { decision, task } = input
  const options = patternOptions(task, 'consensus')
  const voters = options.with ?? [...decision.local.slice(0, 2), ...decision.frontier.slice(0, 1)]
  if (decision.route === 'frontier' || decision.degraded || tools.isSampled || voters.length < 2)
    return cascade(input, tools)
  const equality = options.rule === 'highest_calibrated' ? null : equalityOf(task.kind, options)
  if (!equality) return surest(input, tools, { options, voters })
  const sides = await poll(input, tools, { options, voters, equality })
  const votes = sides.flatMap((side) => side.votes)
  if (votes.length === 0) return cascade(input, tools)
  const [only] = votes
  if (only && votes.length === 1) return alone(input, tools, only.asked)
  const winner = winnerOf(sides)
  return winner ? elected(input, tools, { winner, sides }) : tied(input, tools, sides)
}

/** One voice is no consensus: gates decide, as they do in a cascade. */
async function alone(input: PatternInput, tools: PatternTools, asked: Asked): Promise<PatternResult> {
  tools.note({ decided: 'alone' })
  if (asked.actor === 'frontier') return voted(asked, { reason: 'local_unavailable', verdicts: [] })
  const draft = { asked, verdicts: await tools.check(asked) }
  const rejected = firstRejection(draft.verdicts)
  return rejected ? escalated(input, tools, { draft, rejected }) : acceptedDraft(draft)
}

/** Of those who won a local one answers, in the shape that the caller asks for. What a check rejects is not served, whoever said the same. */
async function elected(
  input: PatternInput,
  tools: PatternTools,
  { winner, sides }: { readonly winner: Side; readonly sides: readonly Side[] },
): Promise<PatternResult> {
  const total = sides.reduce((sum, { weight }) => sum + weight, 0)
  const score = winner.weight / total
  const detail = `${winner.votes.length} of ${sides.flatMap(({ votes }) => votes).length} votes say the same.`
  tools.note({ decided: 'vote' })
  const local = winner.votes.find(({ asked }) => asked.actor === 'local')?.asked
  const hosted = winner.votes.find(({ asked }) => asked.actor === 'frontier')?.asked
  if (!local && hosted) return voted(hosted, { reason: 'disagreement', verdicts: [outvoted(detail)] })
  if (!local) throw new Error('a side without votes')
  const verdicts = await tools.check(local)
  const failed = verdicts.find((verdict) => !verdict.accepted && !isDoubt(verdict))
  const accepted: Verdict = { gate: 'consensus', accepted: true, reason: null, score, threshold: null, detail }
  if (!failed) return acceptedDraft({ asked: local, verdicts: [...verdicts, accepted] })
  if (hosted) return voted(hosted, { reason: failed.reason ?? 'gate_error', verdicts })
  return escalated(input, tools, { draft: { asked: local, verdicts }, rejected: failed })
}

async function tied(input: PatternInput, tools: PatternTools, sides: readonly Side[]): Promise<PatternResult> {
  tools.note({ decided: 'tie' })
  const votes = sides.flatMap((side) => side.votes)
  const rejected = outvoted(`${votes.length} votes, ${sides.length} different answers.`)
  const hosted = votes.find(({ asked }) => asked.actor === 'frontier')?.asked
  if (hosted) return voted(hosted, { reason: 'disagreement', verdicts: [rejected] })
  const best = votes.toSorted((a, b) => scoreOf(b.asked) - scoreOf(a.asked))[0]?.asked
  if (!best) throw new Error('a tie of nobody')
  const verdicts = await tools.check(best)
  const stopped = isStopped(verdicts) ? firstRejection(verdicts) : null
  return escalated(input, tools, {
    draft: { asked: best, verdicts: [...verdicts, rejected] },
    rejected: stopped ?? rejected,
  })
}

/** Where answers cannot be compared, the local one wins that gates accept with the highest score; the frontier answers where they accept none. */
async function surest(input: PatternInput, tools: PatternTools, { options, voters }: Panel): Promise<PatternResult> {
  const drafts: Draft[] = []
  const locals = voters.filter((name) => !input.decision.frontier.includes(name))
  for (const name of locals) {
    const asked = await answerFrom(name, { input, tools })
    if (asked) drafts.push({ asked, verdicts: await tools.check(asked) })
  }
  const best = (ones: readonly Draft[]): Draft | undefined =>
    ones.toSorted((a, b) => scoreOf(b.asked, b.verdicts) - scoreOf(a.asked, a.verdicts))[0]
  const accepted = best(drafts.filter(({ verdicts }) => firstRejection(verdicts) === null))
  tools.note({
    rule: options.rule,
    decided: accepted ? 'score' : 'none',
    scores: drafts.map(({ asked, verdicts }) => ({ model: asked.model, score: scoreBefore(verdicts, asked) })),
  })
  const draft = accepted ?? best(drafts)
  if (!draft) return cascade(input, tools)
  // The record is that of the answer which is served, and not of the one that was checked last.
  const verdicts = await tools.check(draft.asked)
  const rejected = firstRejection(verdicts)
  return rejected ? escalated(input, tools, { draft: { ...draft, verdicts }, rejected }) : acceptedDraft(draft)
}

/** A frontier's vote is its answer. */
function voted(asked: Asked, why: { readonly reason: Reason; readonly verdicts: readonly Verdict[] }): PatternResult {
  return { asked, ...why, degraded: false, wouldEscalateTo: null }
}

function outvoted(detail: string): Verdict {
  return { gate: 'consensus', accepted: false, reason: 'disagreement', score: null, threshold: null, detail }
}

/** A score that is not known is the lowest. */
function scoreOf(asked: Asked, verdicts: readonly Verdict[] = []): number {
  return scoreBefore(verdicts, asked) ?? -1
}
