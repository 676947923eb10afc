import type { Answer } from '../spec/response.ts'
import { accept, type Gate, reject } from './gate.ts'

/**
 * Rejects an answer that holds a patch, a diff or a search-and-replace edit where the task's kind is not `code`: code
 * changes belong to tasks that were made for them. An ordinary code block is no edit and passes.
 */
export const patch: Gate = ({ answer, task, taskName }) => {
  if (task.kind === 'code') return accept('patch', 'Task kind is code: edits are its business.')
  const form = editForm(answer)
  if (form === null) return accept('patch', 'The answer holds no code edit.')
  return reject('patch', {
    reason: 'policy_requires_frontier',
    detail: `The answer holds ${form}, and task ${taskName} has kind ${task.kind}, not code.`,
  })
}

function editForm(answer: Answer): string | null {
  const written = [answer.text, ...answer.toolCalls.map((call) => call.arguments)].map(unescapeLines).join('\n')
  return EDIT_FORMS.find(({ marks }) => marks.every((mark) => mark.test(written)))?.name ?? null
}

/** A patch inside a JSON string has its line breaks escaped; the patterns are anchored at real ones. */
function unescapeLines(text: string): string {
  return text.replace(/\\r?\\n|\\n|\r\n?/g, '\n')
}

/** A form is found when all of its marks are; none of them looks ahead further than a line, so the work is linear. */
const EDIT_FORMS: readonly { readonly name: string; readonly marks: readonly RegExp[] }[] = [
  { name: 'a git diff', marks: [/^[ \t>]*diff --git \S/m] },
  { name: 'a diff hunk', marks: [/^[ \t>]*@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/m] },
  { name: 'a diff header', marks: [/^[ \t>]*--- \S[^\n]*\n[ \t>]*\+\+\+ \S/m] },
  { name: 'a diff block', marks: [/^[ \t]*(?:`{3,}|~{3,})[ \t]*(?:diff|patch|udiff)\b/im] },
  { name: 'a patch envelope', marks: [/^[ \t]*\*\*\* (?:Begin Patch|Update File:|Add File:|Delete File:)/m] },
  {
    name: 'a search-and-replace edit',
    marks: [/^[ \t]*<{5,9} ?(?:SEARCH|ORIGINAL|HEAD)\b/m, /^[ \t]*={5,9}[ \t]*$/m, /^[ \t]*>{5,9}/m],
  },
]
