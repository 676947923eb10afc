/** The code in an answer: what stands in its fenced blocks, or all of it when it has none. */

import type { Answer } from '../spec/response.ts'

/** Characters of code that a check reads; models write less in one answer. */
export const MAX_CODE_CHARS = 200_000

/** @returns the text of each fenced block, in order; the whole answer when no block is there. A block without an end goes to the end */
export function codeIn(text: string): readonly string[] {
  const blocks: string[] = []
  let open: { readonly fence: string; readonly lines: string[] } | null = null
  for (const line of text.split(/\r?\n/)) {
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (open && fence?.startsWith(open.fence) && line.trim() === fence) {
      blocks.push(open.lines.join('\n'))
      open = null
    } else if (open) open.lines.push(line)
    else if (fence) open = { fence, lines: [] }
  }
  if (open) blocks.push(open.lines.join('\n'))
  return blocks.length === 0 ? [text] : blocks
}

/** Checks of an answer are for its text. */
export const TOOL_CALL = 'The answer is a tool call; the check is for text.'

export function isToolCall({ text, toolCalls }: Answer): boolean {
  return text.trim() === '' && toolCalls.length > 0
}
