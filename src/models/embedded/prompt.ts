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
