import type { ExtractCall, ExtractShot } from '../../spec/ports.ts'
import type { LlamaModel, Token } from './llama-types.ts'

/** What the worked examples, and so the model, say where the passage holds no answer. */
export const NO_ANSWER = 'none'

/** A prompt in tokens; `prefix` is its beginning that every question of the same task shares. */
export interface CopyPrompt {
  readonly tokens: readonly Token[]
  readonly prefix: readonly Token[]
}

/** Instruction, worked examples, passage and question; the answer follows `Answer:` after a space and ends its line. */
export function copyPrompt(model: LlamaModel, call: ExtractCall): CopyPrompt {
  const head = call.instruction.trim() === '' ? '' : `${call.instruction.trim()}\n\n`
  const shots = call.shots.map((shot) => `${item(shot)} ${oneLine(shot.answer ?? NO_ANSWER)}\n\n`).join('')
  const tokens = withStart(model, `${head}${shots}${item(call)}`)
  const fixed = withStart(model, `${head}${shots}Passage:`)
  const end = fixed.findIndex((token, index) => token !== tokens[index])
  return { tokens, prefix: end < 0 ? fixed : fixed.slice(0, end) }
}

function item({ passage, question }: Pick<ExtractShot, 'passage' | 'question'>): string {
  return `Passage: ${oneLine(passage)}\nQuestion: ${oneLine(question)}\nAnswer:`
}

/** A line break inside a part would look like the end of it. */
function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

function withStart(model: LlamaModel, text: string): Token[] {
  const tokens = model.tokenize(text)
  const { bos, shouldPrependBosToken } = model.tokens
  return shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens
}
