/** The consultations of one request with its adviser: how many are left, and what was said. */
import type { RouterError } from '../spec/errors.ts'
import type { PatternFact } from '../spec/pattern-record.ts'
import type { AdvisorOptions } from '../spec/policy-advisor.ts'
import type { RouterRequest } from '../spec/request.ts'
import { type Advice, parseAdvice, parsePlan } from './advice.ts'
import { consulted } from './consulted.ts'
import type { PatternInput, PatternTools } from './pattern.ts'

export type Advised = { readonly advice: Advice; readonly isCut: boolean } | { readonly failure: RouterError }

export class Consultations {
  readonly #tools: PatternTools
  readonly #options: AdvisorOptions
  /** A hosted model that works does not advise itself. */
  readonly #whom: readonly string[]
  readonly #most: number
  readonly #maxTokens: number
  readonly #said: PatternFact[] = []
  #failed = 0

  /** The caller may allow fewer and shorter ones than the policy. */
  constructor({ request, decision }: PatternInput, tools: PatternTools, options: AdvisorOptions) {
    this.#whom = options.by === 'frontier' ? decision.frontier : [options.by]
    const { maxUses = options.maxConsultations, maxTokens = options.maxAdviceTokens } = request.advisor ?? {}
    this.#tools = tools
    this.#options = options
    this.#most = Math.min(options.maxConsultations, maxUses)
    this.#maxTokens = Math.min(options.maxAdviceTokens, maxTokens)
  }

  /** One that failed does not count. */
  areLeft(): boolean {
    return this.#said.length < this.#most
  }

  get count(): number {
    return this.#said.length
  }

  review(request: RouterRequest): Promise<Advised> {
    return this.#ask(request, parseAdvice)
  }

  plan(request: RouterRequest): Promise<Advised> {
    return this.#ask(request, (text) => ({ word: 'PLAN', plan: parsePlan(text) }))
  }

  async #ask(request: RouterRequest, parse: (text: string) => Advice): Promise<Advised> {
    const { when } = this.#options
    const asked = { purpose: 'advice', whom: this.#whom, request, maxOutputTokens: this.#maxTokens } as const
    const found = await consulted(this.#tools, asked)
    const advised: Advised =
      'failure' in found
        ? found
        : { advice: parse(found.asked.answer.text), isCut: found.asked.answer.finishReason === 'length' }
    if ('advice' in advised) this.#said.push(advised.advice.word)
    else this.#failed += 1
    this.#tools.note({ when, said: [...this.#said], failed: this.#failed })
    return advised
  }
}
