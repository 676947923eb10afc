/** How many tokens a text can have, without the tokeniser of the model at hand. Pure. */
import type { ModelCall } from '../spec/ports.ts'
import { messageText } from '../spec/request.ts'

export interface TokenBounds {
  /** Surely not fewer. */
  readonly least: number
  /** A usual tokeniser on usual text. */
  readonly likely: number
  /** Surely not more, the template of the chat included. */
  readonly most: number
}

/** Bounds for the whole prompt of a call: messages, tool calls in them, and tool definitions. */
export function promptTokens(call: ModelCall): TokenBounds {
  const texts = call.messages.flatMap((message) => [
    messageText(message),
    ...(message.toolCalls ?? []).flatMap((one) => [one.name, one.arguments]),
  ])
  const tools = call.tools === undefined || call.tools.length === 0 ? '' : JSON.stringify(call.tools)
  const bounds = [...texts, tools].map(textTokens)
  const sum = (of: keyof TokenBounds): number => bounds.reduce((total, bound) => total + bound[of], 0)
  const template = MESSAGE_TOKENS * (call.messages.length + 1) + (tools === '' ? 0 : TOOLS_TOKENS)
  return { least: sum('least'), likely: sum('likely') + template / 4, most: sum('most') + template }
}

/**
 * - least: tokenisers of the last years split at the borders of words first, so a token is no longer than a word with
 *   the mark in front of it. A fifth is taken off for the few that do not; words above 24 letters count more than once.
 * - likely: four characters a token (English, code), two thirds of a token for each Chinese, Japanese or Korean character.
 * - most: no tokeniser makes more tokens than the text has bytes in UTF-8.
 */
export function textTokens(text: string): TokenBounds {
  const words = text.match(WORDS)?.length ?? 0
  const dense = text.match(DENSE_SCRIPTS)?.length ?? 0
  return {
    least: Math.floor(words * 0.8),
    likely: (text.length - dense) / 4 + (dense * 2) / 3,
    most: Buffer.byteLength(text),
  }
}

/** Six characters of a script without spaces may be one token; 24 letters are the longest words of large vocabularies. */
const WORDS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]{1,6}|[\p{L}\p{M}\p{N}]{1,24}/gu

const DENSE_SCRIPTS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu

/** Role, start and end marks of one message; the most of any template we know is 11 (Llama 3). */
const MESSAGE_TOKENS = 16

/** The instructions that templates put around a list of tools. */
const TOOLS_TOKENS = 400
