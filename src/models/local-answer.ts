/** The answer of a model on this machine: reasoning and tool-call notations taken out, signals of what is left. */
import { randomUUID } from 'node:crypto'
import type { Signals, TokenSignal } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall, ModelEvent } from '../spec/ports.ts'
import { dialectOf } from './answer-dialects.ts'
import { AnswerSplitter, type SplitEvent } from './reasoning-filter.ts'

export interface LocalAnswerSettings {
  /** Name of the model in the policy, for messages. */
  readonly name: string
  /** The model id, which tells its family. */
  readonly model: string
  readonly call: ModelCall
  /** Whether the server has sent reasoning in a field of its own by now. */
  readonly hasReasonedApart?: () => boolean
  /** The signals of this answer text; absent where the events carry their own. */
  readonly signalsOf?: (answer: string) => Signals | null
  /** The figures of its tokens, where `signalsOf` is given as well. */
  readonly tokensOf?: (answer: string) => readonly TokenSignal[]
}

type Finish = Extract<ModelEvent, { readonly type: 'finish' }>

/**
 * Raw chunks are dropped, since they hold what is taken out. The signals of an adapter that cannot tell the tokens of the
 * answer from those of its reasoning are dropped with the reasoning.
 *
 * @throws RouterError `model_incomplete` when the text ends inside its reasoning, `model_malformed` when it holds
 * nothing but reasoning
 */
export async function* localAnswer(
  events: AsyncIterable<ModelEvent>,
  settings: LocalAnswerSettings,
): AsyncGenerator<ModelEvent> {
  const tools = (settings.call.tools ?? []).map((tool) => tool.name)
  const splitter = new AnswerSplitter({ dialect: dialectOf(settings.model), tools })
  const answer = new Answer()
  for await (const event of events) {
    if (event.type === 'raw') continue
    if (event.type === 'text') {
      if (settings.hasReasonedApart?.()) splitter.reasoningCameApart()
      yield* answer.add(splitter.push(event.delta))
    } else if (event.type === 'finish') {
      const end = splitter.end()
      yield* answer.add(end.events)
      yield answer.finished(event, { settings, isInThought: end.isInThought, removedChars: splitter.removedChars })
    } else {
      if (event.type === 'tool_call') answer.serverCalls = Math.max(answer.serverCalls, event.index + 1)
      yield event
    }
  }
}

interface Ending {
  readonly settings: LocalAnswerSettings
  readonly isInThought: boolean
  readonly removedChars: number
}

/** What the caller has been given so far. */
class Answer {
  /** Tool calls that the server told apart itself. */
  serverCalls = 0
  #text = ''
  #writtenCalls = 0

  add(events: readonly SplitEvent[]): readonly ModelEvent[] {
    return events.map((event) => {
      if (event.type === 'text') {
        this.#text += event.delta
        return event
      }
      const id = `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
      const index = this.serverCalls + this.#writtenCalls++
      return { type: 'tool_call', index, id, name: event.call.name, argumentsDelta: event.call.arguments }
    })
  }

  finished(finish: Finish, { settings, isInThought, removedChars }: Ending): Finish {
    const { name: model, signalsOf } = settings
    if (isInThought) throw new RouterError('model_incomplete', { model })
    const isEmpty = this.#text.trim() === '' && this.serverCalls + this.#writtenCalls === 0
    if (isEmpty && (removedChars > 0 || settings.hasReasonedApart?.())) {
      if (finish.finishReason === 'length') throw new RouterError('model_incomplete', { model })
      throw new RouterError('model_malformed', { model, problem: 'it holds reasoning and no answer' })
    }
    const { tokens: ownTokens, ...rest } = finish
    const own = removedChars > 0 ? null : finish.signals
    const tokens =
      settings.tokensOf === undefined ? (removedChars > 0 ? undefined : ownTokens) : settings.tokensOf(this.#text)
    return {
      ...rest,
      ...(tokens && tokens.length > 0 && { tokens }),
      finishReason: this.#writtenCalls > 0 && finish.finishReason === 'stop' ? 'tool_calls' : finish.finishReason,
      signals: signalsOf === undefined ? own : signalsOf(this.#text),
      raw: null,
    }
  }
}
