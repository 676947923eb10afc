import { isToolCall, TOOL_CALL } from './answer-code.ts'
import { accept, type Gate, reject } from './gate.ts'

/** The answer holds what each of `verify.matches` looks for, and nothing that one of `verify.lacks` does. */
export const verifyText: Gate = ({ answer, task }) => {
  const { matches = [], lacks = [] } = task.verify ?? {}
  if (isToolCall(answer)) return accept('verify_text', TOOL_CALL)
  const missing = matches.findIndex((source) => !expression(source).test(answer.text))
  if (missing >= 0) return failed(`Expression ${missing + 1} of verify.matches is not found in the answer.`)
  const found = lacks.findIndex((source) => expression(source).test(answer.text))
  if (found >= 0) return failed(`Expression ${found + 1} of verify.lacks is found in the answer.`)
  return accept('verify_text', `${matches.length + lacks.length} expressions hold for the answer.`)
}

function failed(detail: string): ReturnType<Gate> {
  return reject('verify_text', { reason: 'check_failed', detail })
}

const compiled = new Map<string, RegExp>()

/** The policy was checked to hold expressions that compile, and holds few. */
function expression(source: string): RegExp {
  const known = compiled.get(source) ?? new RegExp(source, 'u')
  compiled.set(source, known)
  return known
}
