import { messageText, type RouterRequest } from '../spec/request.ts'
import { isToolCall, TOOL_CALL } from './answer-code.ts'
import { accept, type Gate, reject } from './gate.ts'

/**
 * Every edit of the answer applies cleanly to the text of the request: what a hunk of a unified diff keeps and takes away stands there line by line,
 * with as many lines as its header says; what a search-and-replace edit looks for stands there once.
 */
export const verifyEdits: Gate = ({ answer, task, request }) => {
  if (task.verify?.edits !== true) return accept('verify_edits', 'No edits are asked for.')
  if (isToolCall(answer)) return accept('verify_edits', TOOL_CALL)
  const edits = [...hunksIn(answer.text), ...replacementsIn(answer.text)]
  if (edits.length === 0)
    return reject('verify_edits', {
      reason: 'check_failed',
      detail: 'The answer holds no diff and no search-and-replace edit.',
    })
  const source = sourceOf(request)
  const broken = edits.filter((edit) => !applies(edit, source)).length
  const measured = { score: edits.length - broken, threshold: edits.length }
  if (broken === 0) return accept('verify_edits', `${edits.length} edits apply to the text of the request.`, measured)
  const detail = `${broken} of ${edits.length} edits do not apply cleanly to the text of the request.`
  return reject('verify_edits', { reason: 'check_failed', detail, ...measured })
}

interface Edit {
  /** The lines that have to stand in the source, in this order; none for a new file. */
  readonly before: readonly string[]
  /** Whether the form says itself where it applies, so that the lines may stand there more than once. */
  readonly isPlaced: boolean
  readonly isWhole: boolean
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/

function hunksIn(text: string): readonly Edit[] {
  const lines = linesOf(text)
  return lines.flatMap((line, at) => {
    const head = HUNK.exec(line)
    return head ? [hunkAt(lines, at + 1, { old: Number(head[2] ?? 1), new: Number(head[4] ?? 1) })] : []
  })
}

/** As many lines as the header promises; an empty line is a kept one whose space somebody trimmed. */
function hunkAt(lines: readonly string[], start: number, wanted: { readonly old: number; readonly new: number }): Edit {
  const before: string[] = []
  let after = 0
  for (let at = start; at < lines.length && (before.length < wanted.old || after < wanted.new); at++) {
    const line = lines[at] ?? ''
    const mark = line.charAt(0)
    if (mark === '\\') continue
    if (mark !== ' ' && mark !== '-' && mark !== '+' && line !== '') break
    if (mark !== '+') before.push(line.slice(1))
    if (mark !== '-') after += 1
  }
  return { before, isPlaced: true, isWhole: before.length === wanted.old && after === wanted.new }
}

/** An edit without its end is none that could be applied. */
function replacementsIn(text: string): readonly Edit[] {
  const edits: Edit[] = []
  let before: string[] | null = null
  let isReplacing = false
  for (const line of linesOf(text)) {
    if (/^<{5,9} ?(?:SEARCH|ORIGINAL)\b/.test(line)) {
      before = []
      isReplacing = false
    } else if (before && /^={5,9}$/.test(line)) isReplacing = true
    else if (before && /^>{5,9}/.test(line)) {
      edits.push({ before, isPlaced: false, isWhole: isReplacing })
      before = null
    } else if (before && !isReplacing) before.push(line)
  }
  return before ? [...edits, { before, isPlaced: false, isWhole: false }] : edits
}

function applies({ before, isPlaced, isWhole }: Edit, source: string): boolean {
  if (!isWhole) return false
  if (before.length === 0) return true
  const wanted = `\n${before.join('\n')}\n`
  const first = source.indexOf(wanted)
  return first >= 0 && (isPlaced || source.indexOf(wanted, first + 1) < 0)
}

/** Between line breaks, so that only whole lines are found. */
function sourceOf({ messages }: RouterRequest): string {
  const told = messages.filter(({ role }) => role !== 'assistant').map(messageText)
  return `\n${linesOf(told.join('\n')).join('\n')}\n`
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/)
}
