import { firstRejection, isDoubt, isStopped } from '../gates/gates.ts'
import type { Reason, Verdict } from '../spec/decision.ts'
import type { AdvisorOptions } from '../spec/policy-advisor.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { AdviceGiven } from '../spec/response.ts'
import { boundRequest, planRequest, reviewOf } from './advice.ts'
import { drivenDraft, drivesAgent } from './advisor-tool.ts'
import { cascade } from './cascade.ts'
import { Consultations } from './consultations.ts'
import { acceptedDraft, type Cast, castOf, draftOrAnswer, escalated } from './drafting.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { availabilityReason, type Draft } from './stand-in.ts'

/**
 * Local drives; an adviser who sees the whole context approves, or says what to do again, and local is bound to it. After the last revision
 * gates decide: accepted, or escalated. Where nobody may advise, and for an audit sample, the cascade decides.
 */
export const advisor: Pattern = async (input, tools) => {
  const options = patternOptions(input.task, 'advisor')
  const cast = castOf(input, options.executor)
  const isAlone = options.by === 'frontier' && cast?.input.decision.frontier.length === 0
  if (!cast || isAlone || tools.isSampled) return cascade(input, tools)
  // A hosted model of an agent has the tools of its own provider.
  if (options.tool && cast.drafter === 'local' && drivesAgent(input))
    return driven(cast, tools, { ...options, when: 'onDemand' })
  const session = new Session(cast, tools, options)
  const made = options.when === 'before' ? await session.planned() : await draftOrAnswer(cast, tools)
  return 'result' in made ? made.result : session.reviewed(made.draft)
}

/** The model of an agent asks for itself; only what a gate rejects is reviewed besides. */
async function driven(cast: Cast, tools: PatternTools, options: AdvisorOptions): Promise<PatternResult> {
  const session = new Session(cast, tools, options)
  let given: readonly AdviceGiven[] = []
  const made = await draftOrAnswer(cast, tools, async () => {
    const answered = await drivenDraft(cast.input, tools, session.consultations)
    given = answered.given
    return answered.draft
  })
  const result = 'result' in made ? made.result : await session.reviewed(made.draft)
  const isTold = cast.input.request.advisor !== undefined && result.asked?.actor === 'local' && given.length > 0
  return isTold ? { ...result, advice: given } : result
}

class Session {
  readonly consultations: Consultations
  readonly #cast: Cast
  readonly #input: PatternInput
  readonly #tools: PatternTools
  readonly #options: AdvisorOptions

  constructor(cast: Cast, tools: PatternTools, options: AdvisorOptions) {
    const { input } = cast
    this.#cast = cast
    this.#input = input
    this.#tools = tools
    this.#options = options
    this.consultations = new Consultations(input, tools, options)
  }

  /** A plan first; without one local writes as it would alone. */
  async planned(): Promise<{ readonly draft: Draft } | { readonly result: PatternResult }> {
    const { request, task } = this.#input
    const found = await this.consultations.plan(planRequest(request, task))
    if ('failure' in found || found.advice.plan === '') return draftOrAnswer(this.#cast, this.#tools)
    const bound = boundRequest(request, found.advice.plan, null)
    return draftOrAnswer(this.#cast, this.#tools, () => this.#written(bound))
  }

  async reviewed(first: Draft): Promise<PatternResult> {
    const { request, task } = this.#input
    let draft = first
    while (this.#isReviewed(draft)) {
      const found = await this.consultations.review(reviewOf(request, task, draft))
      if ('failure' in found) break
      if (found.advice.word === 'APPROVE') return this.#approved(draft)
      try {
        draft = await this.#written(boundRequest(request, found.advice.plan, draft.asked))
      } catch (error) {
        return this.#escalated(draft, redoVerdict(availabilityReason(draft.asked.actor, error)))
      }
    }
    const rejected = firstRejection(draft.verdicts)
    return rejected ? this.#escalated(draft, rejected) : acceptedDraft(draft, this.#input)
  }

  /** What may be served under no circumstances, and what was stopped half-way, is past advice. */
  #isReviewed({ asked, verdicts }: Draft): boolean {
    if (isStopped(verdicts) || asked.answer.stoppedBy || !this.consultations.areLeft()) return false
    return this.#options.when === 'after' || firstRejection(verdicts) !== null
  }

  async #written(request: RouterRequest): Promise<Draft> {
    const asked = await this.#tools.ask(this.#cast.drafter, request, 'held')
    return { asked, verdicts: await this.#tools.check(asked, 'advised') }
  }

  /** An approval settles doubts of plain thresholds. It overrules no check and no bound, and no bound holds for what it chose. */
  #approved(draft: Draft): PatternResult | Promise<PatternResult> {
    const failed = draft.verdicts.find((verdict) => !verdict.accepted && !isDoubt(verdict))
    return failed
      ? this.#escalated(draft, failed)
      : acceptedDraft({ ...draft, verdicts: [...draft.verdicts, APPROVED] }, this.#input)
  }

  #escalated(draft: Draft, rejected: Verdict): Promise<PatternResult> {
    const verdicts = draft.verdicts.includes(rejected) ? draft.verdicts : [...draft.verdicts, rejected]
    return escalated(this.#input, this.#tools, { draft: { ...draft, verdicts }, rejected })
  }
}

const UNMEASURED = { score: null, threshold: null } as const
const APPROVED: Verdict = {
  gate: 'advisor',
  accepted: true,
  reason: null,
  ...UNMEASURED,
  detail: 'The adviser approved.',
}

/** The adviser wanted another answer, and local could not give it. */
function redoVerdict(failure: Reason): Verdict {
  const detail = `The adviser said REDO, and its model could not revise the answer (${failure}).`
  return { gate: 'advisor', accepted: false, reason: 'draft_rejected', ...UNMEASURED, detail }
}
