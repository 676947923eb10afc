/** How many tokens a prompt of the Messages API has, about: counted from its bytes, without asking anybody. Pure. */

import { imageSize } from '../spec/image-size.ts'
import { fieldsOf, listOf } from '../spec/wire-body.ts'
import type { PromptBody } from './anthropic-wire.ts'

/**
 * English text and code come to three and a half bytes a token with the tokenisers of this family; in scripts of three bytes a
 * character that is a little less than a token each.
 */
const BYTES_PER_TOKEN = 3.5

/** The marks around the whole and around each message. */
const TOKENS_PER_PROMPT = 3
const TOKENS_PER_MESSAGE = 3

/** The instruction that the provider puts before tools: with a free choice, and with one that must be made. */
const TOKENS_FOR_TOOLS = { free: 346, forced: 313 } as const

/** Width by height by 750, and never more than 1568 pixels a side; of an image elsewhere nothing is known. */
const PIXELS_PER_TOKEN = 750
const MAX_IMAGE_TOKENS = 1600
const MAX_SIDE = 1568

/** A page of a PDF is text and an image of it; this is one page of each 50 kB, which scans go far beyond. */
const BYTES_PER_PAGE = 50_000
const TOKENS_PER_PAGE = 2000

export function countTokens(body: PromptBody): number {
  const { system, messages, tools } = body
  const counted = [
    TOKENS_PER_PROMPT,
    typeof system === 'string' ? textTokens(system) : sum(listOf(system).map(blockTokens)),
    sum(messages.map(({ content }) => TOKENS_PER_MESSAGE + contentTokens(content))),
    tools && tools.length > 0 ? toolsTokens(body) : 0,
  ]
  return Math.ceil(sum(counted))
}

function toolsTokens({ tools, tool_choice: choice }: PromptBody): number {
  if (choice?.type === 'none') return 0
  const isForced = choice?.type === 'any' || choice?.type === 'tool'
  return TOKENS_FOR_TOOLS[isForced ? 'forced' : 'free'] + textTokens(JSON.stringify(tools))
}

function contentTokens(content: unknown): number {
  return typeof content === 'string' ? textTokens(content) : sum(listOf(content).map(blockTokens))
}

type Block = Readonly<Record<string, unknown>>

function blockTokens(block: Block): number {
  const { type, text, input, name, content, source, title, context } = block
  if (type === 'image') return imageTokens(fieldsOf(source))
  // Thoughts of earlier turns are not read again.
  if (type === 'thinking' || type === 'redacted_thinking') return 0
  const beside = [title, context, name].reduce((total: number, one) => total + stringTokens(one), 0)
  if (type === 'document') return beside + documentTokens(fieldsOf(source))
  return (
    beside + stringTokens(text) + (input === undefined ? 0 : textTokens(JSON.stringify(input))) + contentTokens(content)
  )
}

function documentTokens({ type, data, content }: Block): number {
  if (type === 'text') return stringTokens(data)
  if (type === 'content') return contentTokens(content)
  const bytes = typeof data === 'string' ? (data.length * 3) / 4 : 0
  return Math.max(1, Math.ceil(bytes / BYTES_PER_PAGE)) * TOKENS_PER_PAGE
}

function imageTokens({ type, data }: Block): number {
  const size = type === 'base64' && typeof data === 'string' ? imageSize(data) : null
  if (size === null) return MAX_IMAGE_TOKENS
  const shrink = Math.min(1, MAX_SIDE / Math.max(size.width, size.height))
  return Math.min(MAX_IMAGE_TOKENS, (size.width * size.height * shrink * shrink) / PIXELS_PER_TOKEN)
}

function stringTokens(value: unknown): number {
  return typeof value === 'string' ? textTokens(value) : 0
}

/** @returns tokens, not rounded: rounding each of many short texts up would add up */
export function textTokens(text: string): number {
  return Buffer.byteLength(text) / BYTES_PER_TOKEN
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}
