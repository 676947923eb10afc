import { createRequire, stripTypeScriptTypes } from 'node:module'
import type { parseDocument } from 'yaml'
import type { ParsedLanguage } from '../spec/policy-verify.ts'
import { codeIn, isToolCall, MAX_CODE_CHARS, TOOL_CALL } from './answer-code.ts'
import { accept, type Gate, reject } from './gate.ts'

/** The code of the answer has the syntax of `verify.parses`. It is parsed, never run. */
export const verifyCode: Gate = ({ answer, task }) => {
  const language = task.verify?.parses
  if (language === undefined) return accept('verify_code', 'No syntax is asked for.')
  if (isToolCall(answer)) return accept('verify_code', TOOL_CALL)
  const blocks = codeIn(answer.text)
  if (blocks.every((block) => block.trim() === '')) return failed('The answer holds no code.')
  if (blocks.some((block) => block.length > MAX_CODE_CHARS))
    return failed(`A code block is longer than ${MAX_CODE_CHARS} characters and was not read.`)
  const wrong = blocks.findIndex((block) => !PARSES[language](block))
  if (wrong < 0) return accept('verify_code', `${blocks.length} code blocks parse as ${language}.`)
  return failed(`Code block ${wrong + 1} of ${blocks.length} does not parse as ${language}.`)
}

function failed(detail: string): ReturnType<Gate> {
  return reject('verify_code', { reason: 'check_failed', detail })
}

const PARSES: Readonly<Record<ParsedLanguage, (code: string) => boolean>> = {
  json: (code) => succeeds(() => JSON.parse(code)),
  yaml: (code) => {
    // Loaded with the first such task.
    const { parseDocument: parse } = load('yaml') as { parseDocument: typeof parseDocument }
    return succeeds(() => parse(code)) && parse(code).errors.length === 0
  },
  // Without types it is what it was before they were taken out.
  javascript: (code) => withoutTypes(code) === code,
  typescript: isTypeScript,
}

const load = createRequire(import.meta.url)

/** Enums and the like are sound, though nothing can strip them. */
function isTypeScript(code: string): boolean {
  try {
    stripTypeScriptTypes(code)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
  }
}

function withoutTypes(code: string): string | null {
  try {
    return stripTypeScriptTypes(code)
  } catch {
    return null
  }
}

function succeeds(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
