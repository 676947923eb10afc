/** A frontier that is not called: it says what the row says is right. */
import type { Usage } from '../../spec/decision.ts'
import type { ModelCall, ModelPort } from '../../spec/ports.ts'

export interface StandInSettings {
  readonly name: string
  /** The id that prices are looked up by. */
  readonly model: string
  /** The right answer of the row that is being evaluated; empty when it names none. */
  readonly expected: () => string
  readonly estimate: Estimate
}

/** Tokens of a call and of an answer of so many characters. */
export type Estimate = (call: ModelCall, answerChars: number) => Usage

/**
 * Answers with the right answer of the row at hand, as an upper bound of what a frontier would do. Token counts are
 * estimated, so costs are, too. Where there is no right answer it says nothing: nothing is made up.
 */
export function standInFrontier({ name, model, expected, estimate }: StandInSettings): ModelPort {
  return {
    name,
    async *generate(call) {
      const text = expected()
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
