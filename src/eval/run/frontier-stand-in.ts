/** A frontier that is not called. */
import type { Usage } from '../../spec/decision.ts'
import type { ModelCall, ModelPort } from '../../spec/ports.ts'

export interface StandInSettings {
  readonly name: string
  /** The id that prices are looked up by. */
  readonly model: string
  /** For example the right answer of the row that is being evaluated; empty where there is none: nothing is made up. */
  readonly says: (call: ModelCall) => string
  readonly estimate: Estimate
}

/** Tokens of a call and of an answer of so many characters. */
export type Estimate = (call: ModelCall, answerChars: number) => Usage

/** With the right answers it is an upper bound of what a frontier would do. Token counts are estimated, so costs are, too. */
export function standInFrontier({ name, model, says, estimate }: StandInSettings): ModelPort {
  return {
    name,
    async *generate(call) {
      const text = says(call)
      yield { type: 'text', delta: text }
      yield {
        type: 'finish',
        finishReason: 'stop',
        usage: estimate(call, text.length),
        signals: null,
        identity: { digest: null, quantisation: null, servedBy: model },
        raw: null,
      }
    },
    close: async () => undefined,
  }
}
