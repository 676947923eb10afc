import { firstRejection, isDoubt, isStopped } from '../gates/gates.ts'
import type { Reason, Verdict } from '../spec/decision.ts'
import type { PatternFact } from '../spec/pattern-record.ts'
import type { AdvisorOptions } from '../spec/policy-advisor.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import type { RouterRequest } from '../spec/request.ts'
import { type Advice, boundRequest, parseAdvice, planRequest, reviewOf } from './advice.ts'
import { cascade } from './cascade.ts'
import { consulted } from './consulted.ts'
import { acceptedDraft, draftOrAnswer, escalated } from './drafting.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft } from './stand-in.ts'

/**
 * Local drives; an adviser who sees the whole context approves, or says what to do again, and local is bound to it. After the last revision
 * gates decide: accepted, or escalated. Where nobody may advise, and for an audit sample, the cascade decides.
 */
export const advisor: Pattern = async (input, tools) => {
  const { decision, task } = input
  const options = patternOptions(task, 'advisor')
  const isAlone = options.by === 'frontier' && decision.frontier.length === 0
  if (decision.route === 'frontier' || decision.degraded || isAlone || tools.isSampled) return cascade(input, tools)
  const session = new Session(input, tools, options)
  const made = options.when === 'before' ? await session.planned() : await draftOrAnswer(input, tools)
  return 'result' in made ? made.result : session.reviewed(made.draft)
}

class Session {
  readonly #input: PatternInput
  readonly #tools: PatternTools
  readonly #options: AdvisorOptions
  readonly #said: PatternFact[] = []
  #failed = 0

  constructor(input: PatternInput, tools: PatternTools, options: AdvisorOptions) {
    this.#input = input
    this.#tools = tools
    this.#options = options
  }

  /** A plan first; without one local writes as it would alone. */
  async planned(): Promise<{ readonly draft: Draft } | { readonly result: PatternResult }> {
    const { request, task } = this.#input
    const advice = await this.#advice(planRequest(request, task))
    if (!advice || advice.plan === '') return draftOrAnswer(this.#input, this.#tools)
    const written = await this.#written(boundRequest(request, advice.plan, null))
    return 'draft' in written ? written : draftOrAnswer(this.#input, this.#tools)
  }

  async reviewed(first: Draft): Promise<PatternResult> {
    const { request, task } = this.#input
    let draft = first
    while (this.#isReviewed(draft)) {
      const advice = await this.#advice(reviewOf(request, task, draft))
      if (!advice) break
      if (advice.word === 'APPROVE') return this.#approved(draft)
      const written = await this.#written(boundRequest(request, advice.plan, draft.asked))
      if ('failure' in written) return this.#escalated(draft, redoVerdict(written.failure))
      draft = written.draft
    }
    const rejected = firstRejection(draft.verdicts)
    return rejected ? this.#escalated(draft, rejected) : acceptedDraft(draft)
  }

  /** What may be served under no circumstances, and what was stopped half-way, is past advice. */
  #isReviewed({ asked, verdicts }: Draft): boolean {
    if (isStopped(verdicts) || asked.answer.stoppedBy || this.#said.length >= this.#options.maxConsultations)
      return false
    return this.#options.when === 'after' || firstRejection(verdicts) !== null
  }

  /** Null when nobody advised: that does not count, and nobody is asked again. */
  async #advice(request: RouterRequest): Promise<Advice | null> {
    const { by, maxAdviceTokens: maxOutputTokens } = this.#options
    const whom = by === 'frontier' ? by : [by]
    const found = await consulted(this.#tools, { purpose: 'advice', whom, request, maxOutputTokens })
    const advice = 'asked' in found ? parseAdvice(found.asked.answer.text) : null
    if (advice) this.#said.push(advice.word)
    else this.#failed += 1
    this.#tools.note({ when: this.#options.when, said: [...this.#said], failed: this.#failed })
    return advice
  }

  async #written(request: RouterRequest): Promise<{ readonly draft: Draft } | { readonly failure: Reason }> {
    try {
      const asked = await this.#tools.ask('local', request, 'held')
      return { draft: { asked, verdicts: await this.#tools.check(asked, 'advised') } }
    } catch (error) {
      return { failure: availabilityReason('local', error) }
    }
  }

  /** An approval settles doubts of plain thresholds. It overrules no check and no bound, and no bound holds for what it chose. */
  #approved(draft: Draft): PatternResult | Promise<PatternResult> {
    const failed = draft.verdicts.find((verdict) => !verdict.accepted && !isDoubt(verdict))
    if (failed) return this.#escalated(draft, failed)
    const verdict = {
      gate: 'advisor',
      accepted: true,
      reason: null,
      score: null,
      threshold: null,
      detail: 'The adviser approved.',
    }
    return acceptedDraft({ ...draft, verdicts: [...draft.verdicts, verdict] })
  }

  #escalated(draft: Draft, rejected: Verdict): Promise<PatternResult> {
    const verdicts = draft.verdicts.includes(rejected) ? draft.verdicts : [...draft.verdicts, rejected]
    return escalated(this.#input, this.#tools, { draft: { ...draft, verdicts }, rejected })
  }
}

/** The adviser wanted another answer, and local could not give it. */
function redoVerdict(failure: Reason): Verdict {
  const detail = `The adviser said REDO, and the local model could not revise its answer (${failure}).`
  return { gate: 'advisor', accepted: false, reason: 'draft_rejected', score: null, threshold: null, detail }
}
