import { RouterError } from '../../spec/errors.ts'
import { type Message, messageText } from '../../spec/request.ts'
import type { ChatHistoryItem, ChatWrapper, LlamaModel, Token } from './llama-types.ts'
import type { ChatTurn } from './protocol.ts'

/** Messages as the local model reads them: text only, tool results as user turns that say so. */
export function toTurns(messages: readonly Message[]): readonly ChatTurn[] {
  return messages.map((message) => {
    const text = messageText(message)
    return message.role === 'tool'
      ? { role: 'user', text: `Tool result:\n${text}` }
      : { role: message.role === 'developer' ? 'system' : message.role, text }
  })
}

/** A text as the model met texts when it was trained: nothing around it but the token that begins one. */
export function plainTokens(model: LlamaModel, text: string): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens
  return [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(text)]
}

/**
 * A text with a gap, in the order in which models are trained on such: what stands before it, what after, then the gap.
 *
 * @throws RouterError request_invalid for a model that has no marks for it
 */
export function infillTokens(model: LlamaModel, before: string, after: string): Token[] {
  const { bos, shouldPrependBosToken, infill } = model.tokens
  const { prefix, suffix, middle } = infill
  if (prefix === null || suffix === null || middle === null)
    throw new RouterError('request_invalid', {
      path: 'suffix',
      problem: 'the model has no marks for a text that is filled in',
      fix: 'Name a model that was trained for it, for example a code model.',
    })
  const start = shouldPrependBosToken && bos !== null ? [bos] : []
  return [...start, prefix, ...model.tokenize(before), suffix, ...model.tokenize(after), middle]
}

/** The model's own chat template around the turns, ending where its answer begins. */
export function chatTokens(model: LlamaModel, wrapper: ChatWrapper, turns: readonly ChatTurn[]): Token[] {
  const history: ChatHistoryItem[] = turns.map((turn) =>
    turn.role === 'assistant' ? { type: 'model', response: [turn.text] } : { type: turn.role, text: turn.text },
  )
  history.push({ type: 'model', response: [''] })
  return wrapper
    .generateContextState({ chatHistory: history })
    .contextText.tokenize(model.tokenizer, 'trimLeadingSpace')
}
