/** What adapters of servers on this machine share: ask for evidence where the server has it, and read the answer apart. */
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent } from '../spec/ports.ts'
import { generateOverHttp, type HttpModel } from './http-model.ts'
import { localAnswer } from './local-answer.ts'
import type { ServerProbe } from './probe.ts'
import { type ServerAbilities, TOP_LOGPROBS } from './probe-requests.ts'
import { answerSignals, answerTokens, type TokenLogprob } from './token-signals.ts'

/** What one call wants to know beside its text. Absent on servers elsewhere. */
export interface Listener {
  /** How many of the most probable tokens to ask for; null asks for no log-probabilities. */
  readonly topLogprobs?: number | null
  readonly onTokens?: (tokens: readonly TokenLogprob[]) => void
  readonly onThinking?: () => void
}

export interface LocalServer {
  /** Name of the model in the policy. */
  readonly name: string
  /** The model id at the server. */
  readonly model: string
  readonly probe: ServerProbe
}

export interface LocalCall {
  readonly call: ModelCall
  readonly limits: CallLimits
  /** The wire of this one call. */
  readonly httpModel: (listener: Listener) => HttpModel
}

/** One call of a server on this machine. Without log-probabilities, or without knowing of them, signals are null. */
export async function* generateLocally(
  { name, model, probe }: LocalServer,
  { call, limits, httpModel }: LocalCall,
): AsyncGenerator<ModelEvent> {
  const abilities = await probe.abilities(limits.signal)
  const tokens: TokenLogprob[] = []
  let hasThought = false
  const http = httpModel({
    topLogprobs: hasLogprobs(abilities) ? TOP_LOGPROBS : null,
    onTokens: (read) => void tokens.push(...read),
    onThinking: () => {
      hasThought = true
    },
  })
  // Under a schema the probabilities may be those that its grammar left.
  const fullDistribution = abilities?.fullDistribution === true && call.responseSchema === undefined
  try {
    yield* localAnswer(generateOverHttp(http, call, limits), {
      name,
      model,
      call,
      hasReasonedApart: () => hasThought,
      signalsOf: (answer) => (tokens.length === 0 ? null : answerSignals(tokens, answer, { fullDistribution })),
      ...(call.tokenSignals && { tokensOf: (answer: string) => answerTokens(tokens, answer) }),
    })
  } catch (error) {
    // The server was started anew, without what it had: the record is wrong from now on.
    if (error instanceof RouterError && /logprob/i.test(String(error.values.problem ?? ''))) await probe.forget()
    throw error
  }
}

function hasLogprobs(abilities: ServerAbilities | null): boolean {
  return abilities !== null && abilities.logprobs !== 'none'
}
