/** Tool arguments on rows of BFCL: does the filled call match one that the data set accepts? */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { fillArguments } from '../../src/decide/json-arguments.ts'
import { toRouterError } from '../../src/spec/errors.ts'
import type { ModelPort } from '../../src/spec/ports.ts'
import type { ToolDefinition } from '../../src/spec/request.ts'
import { percent, percents, wilson } from './metrics.ts'

/** A row of `bfcl_simple.jsonl`: one tool, and per parameter the values that are right ('' = may be left out). */
export interface BfclRow {
  readonly input: string
  readonly tools: readonly ToolDefinition[]
  readonly answers: readonly Readonly<Record<string, AcceptedArguments>>[]
}

type AcceptedArguments = Readonly<Record<string, readonly unknown[]>>

export interface ArgumentsScore {
  readonly n: number
  /** Percent of rows whose arguments all match. */
  readonly accuracy: number
  /** Percent of rows whose arguments satisfy the tool's own schema. */
  readonly valid: number
  /** Of the accuracy, 95 %; Wilson 1927. */
  readonly interval: readonly [number, number] | null
}

/**
 * Fills the one tool of each row. The held rows are not used: the worked examples of `fillArguments` are made up.
 *
 * @see Berkeley Function-Calling Leaderboard, ast_checker.py
 */
export async function scoreBfclArguments(
  rows: readonly BfclRow[],
  _held: readonly BfclRow[],
  port: ModelPort,
): Promise<ArgumentsScore> {
  let right = 0
  let valid = 0
  for (const { input, tools, answers } of rows) {
    const [tool] = tools
    if (tool === undefined) continue
    const filled = await fill(input, tool, port)
    const accepted = answers.map((answer) => answer[tool.name]).filter((one) => one !== undefined)
    valid += filled.valid ? 1 : 0
    right += accepted.some((one) => matches(filled.value, one)) ? 1 : 0
  }
  const n = rows.length
  return { n, accuracy: percent(right / n), valid: percent(valid / n), interval: percents(wilson(right, n)) }
}

const MAX_OUTPUT_TOKENS = 256

/** A row that cannot be filled (a parameter list beyond the context) counts as wrong. */
async function fill(
  request: string,
  tool: ToolDefinition,
  port: ModelPort,
): Promise<{ readonly value: unknown; readonly valid: boolean }> {
  const limits = {
    signal: AbortSignal.timeout(120_000),
    deadlines: { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 120_000 },
  }
  try {
    return await fillArguments({ request, tool, maxOutputTokens: MAX_OUTPUT_TOKENS, validatorOf }, port, limits)
  } catch (error) {
    if (toRouterError(error).code !== 'request_invalid') throw error
    return { value: undefined, valid: false }
  }
}

const validators = new Ajv2020({ strict: false, logger: false, validateFormats: false })

function validatorOf(schema: Readonly<Record<string, unknown>>): (value: unknown) => string | null {
  const validate = validators.compile(schema)
  return (value) => (validate(value) ? null : `The answer fails: ${validators.errorsText(validate.errors)}.`)
}

/** Every argument is an accepted one, and none that must be given is missing. */
function matches(value: unknown, accepted: AcceptedArguments): boolean {
  if (typeof value !== 'object' || value === null) return false
  const given = new Map(Object.entries(value))
  if ([...given.keys()].some((key) => !Object.hasOwn(accepted, key))) return false
  return Object.entries(accepted).every(([key, values]) =>
    given.has(key) ? values.some((one) => equal(given.get(key), one)) : values.includes(''),
  )
}

function equal(left: unknown, right: unknown): boolean {
  if (typeof left === 'string' && typeof right === 'string') return standardised(left) === standardised(right)
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((one, at) => equal(one, right[at]))
  }
  if (typeof right === 'object' && right !== null && !Array.isArray(right)) {
    return matches(left, right as AcceptedArguments)
  }
  return left === right
}

/** As the leaderboard compares strings: without blanks and the marks of dates and names, in lower case. */
function standardised(text: string): string {
  return text
    .replace(/[ ,./\-_*^]/g, '')
    .toLowerCase()
    .replaceAll("'", '"')
}
