import { Fraction } from 'fraction.js'
import type { Sign, Token } from './arithmetic-tokens.ts'
import { formatRational } from './format-rational.ts'

/**
 * The exact value of an expression, by this grammar:
 *
 *     expression = term { ("+" | "-") term }
 *     term       = factor { ("*" | "/") factor | "of" part }       "of" only behind a percentage or a fraction
 *     factor     = [ "+" | "-" ] power
 *     power      = operand [ "^" factor ]                          right-associative, binds tighter than the sign
 *     operand    = ( number | "(" expression ")" | root ) { "%" | "squared" | "cubed" }
 *
 * @param steps gets one line for every operation, in the order of the computation
 * @returns null when the tokens are not one expression with at least one operation, when it has two usual readings, and
 *   when it has no value (division by zero, a root that is not rational) or one beyond the limits below
 */
export function evaluateTokens(tokens: readonly Token[], steps: string[] = []): Fraction | null {
  const operations = tokens.filter((token) => token.type !== 'number' && token.type !== '(' && token.type !== ')')
  const justSigned = operations.length === 1 && (tokens[0]?.type === '-' || tokens[0]?.type === '+')
  if (operations.length === 0 || justSigned) return null
  const cursor: Cursor = { tokens, at: 0, depth: 0, steps }
  const result = expression(cursor)
  if (result === null || result.percent || cursor.at < tokens.length) return null
  return result.value
}

/** Brackets, signs and exponents inside one another. */
const MAX_DEPTH = 200
/** Numerator and denominator of every intermediate value; 2^1000 has 302 digits. Bounds the cost of one operation. */
const MAX_DIGITS = 400
const LARGEST = 10n ** BigInt(MAX_DIGITS)
const MAX_EXPONENT = 2000n

interface Cursor {
  readonly tokens: readonly Token[]
  at: number
  depth: number
  readonly steps: string[]
}

interface Quantity {
  readonly value: Fraction
  /** A percentage: a number only once it is taken of something. */
  readonly percent: boolean
  /**
   * ratio: `2/3` or "two thirds", which may take an "of". open: ends in an "of" whose reach is unclear, so that a plus
   * or minus behind it has two readings ("20% of 50 + 10").
   */
  readonly shape: 'plain' | 'ratio' | 'open'
}

function expression(cursor: Cursor): Quantity | null {
  let left = term(cursor)
  while (left !== null && (peek(cursor) === '+' || peek(cursor) === '-')) {
    // `50 + 10%` is 50.1 to some and 55 to others.
    if (left.percent || left.shape === 'open') return null
    const sign = take(cursor)
    const right = term(cursor)
    if (right === null || right.percent) return null
    const value = sign === '+' ? left.value.add(right.value) : left.value.sub(right.value)
    note(cursor, [left, sign, right], value)
    left = within({ value, percent: false, shape: right.shape })
  }
  return left
}

function term(cursor: Cursor): Quantity | null {
  const start = cursor.at
  let left = factor(cursor)
  for (let sign = peek(cursor); left !== null && isTermSign(sign); sign = peek(cursor)) {
    cursor.at++
    if (sign === 'of') {
      left = takenOf(left, cursor)
      continue
    }
    const right = factor(cursor)
    if (right === null) return null
    const result: Quantity | null = sign === '*' ? times(left, right) : divided(left, right, isRatio(cursor, start))
    if (result !== null) note(cursor, [left, sign ?? '', right], result.value)
    left = result
  }
  return left
}

function isTermSign(sign: Sign | null): boolean {
  return sign === '*' || sign === '/' || sign === 'of'
}

/** `2/3` written with two whole figures and nothing before them in the term. */
function isRatio({ tokens, at }: Cursor, start: number): boolean {
  const [first, , second] = tokens.slice(start, at)
  return at - start === 3 && first?.type === 'number' && first.whole && second?.type === 'number' && second.whole
}

function times(left: Quantity, right: Quantity): Quantity | null {
  if (left.percent && right.percent) return null
  return within({ value: left.value.mul(right.value), percent: false, shape: left.shape === 'open' ? 'open' : 'plain' })
}

function divided(left: Quantity, right: Quantity, ratio: boolean): Quantity | null {
  if (left.percent || right.percent || right.value.n === 0n) return null
  const shape = left.shape === 'open' ? 'open' : ratio ? 'ratio' : 'plain'
  return within({ value: left.value.div(right.value), percent: false, shape })
}

function takenOf(left: Quantity, cursor: Cursor): Quantity | null {
  if (!left.percent && left.shape !== 'ratio') return null
  const right = nested(cursor, factor)
  if (right === null) return null
  const whole = right.percent && peek(cursor) === 'of' ? nestedOf(right, cursor) : right
  if (whole === null || whole.percent) return null
  const value = left.value.mul(whole.value)
  note(cursor, [left, 'of', whole], value)
  return within({ value, percent: false, shape: 'open' })
}

function nestedOf(left: Quantity, cursor: Cursor): Quantity | null {
  cursor.at++
  return nested(cursor, (inner) => takenOf(left, inner))
}

function factor(cursor: Cursor): Quantity | null {
  const sign = peek(cursor)
  if (sign !== '-' && sign !== '+') return power(cursor)
  cursor.at++
  const operand = power(cursor)
  if (operand === null || sign === '+') return operand
  return { ...operand, value: operand.value.neg() }
}

function power(cursor: Cursor): Quantity | null {
  const base = operand(cursor)
  if (base === null || peek(cursor) !== '^') return base
  if (base.percent || base.shape === 'open') return null
  cursor.at++
  const exponent = nested(cursor, factor)
  if (exponent === null || exponent.percent) return null
  const result = raised(base.value, exponent.value)
  if (result !== null) note(cursor, [base, '^', exponent], result.value)
  return result
}

function operand(cursor: Cursor): Quantity | null {
  const start = cursor.at
  let quantity = primary(cursor)
  for (let sign = peek(cursor); quantity !== null; sign = peek(cursor)) {
    if (sign === '%')
      quantity =
        quantity.percent || quantity.shape === 'open'
          ? null
          : { ...quantity, percent: true, value: quantity.value.div(100) }
    else if (sign === 'squared' || sign === 'cubed')
      quantity = spokenPower(cursor, quantity, { sign, before: cursor.tokens[start - 1] })
    else break
    cursor.at++
  }
  return quantity
}

/** "Five squared plus 3" is clear; "3 plus 5 squared" is not, so nothing but a bracket may stand before it. */
function spokenPower(cursor: Cursor, base: Quantity, { sign, before }: SpokenPower): Quantity | null {
  if (base.percent || base.shape === 'open' || (before !== undefined && before.type !== '(')) return null
  const exponent = new Fraction(sign === 'squared' ? 2 : 3)
  const result = raised(base.value, exponent)
  if (result !== null) note(cursor, [base, '^', { value: exponent, percent: false }], result.value)
  return result
}

interface SpokenPower {
  readonly sign: 'squared' | 'cubed'
  readonly before: Token | undefined
}

function primary(cursor: Cursor): Quantity | null {
  const token = cursor.tokens[cursor.at]
  if (token === undefined) return null
  cursor.at++
  switch (token.type) {
    case 'number':
      return within({ value: token.value, percent: false, shape: 'plain' })
    case 'part':
      return { value: token.value, percent: false, shape: 'ratio' }
    case '(':
      return bracketed(cursor)
    case 'sqrt':
      return root(cursor)
    case '+':
    case '-':
    case '*':
    case '/':
    case '^':
    case ')':
    case '%':
    case 'of':
    case 'squared':
    case 'cubed':
      return null
    default:
      return token satisfies never
  }
}

function bracketed(cursor: Cursor): Quantity | null {
  const inner = nested(cursor, expression)
  if (inner === null || peek(cursor) !== ')') return null
  cursor.at++
  return inner.shape === 'open' ? { ...inner, shape: 'plain' } : inner
}

function root(cursor: Cursor): Quantity | null {
  const inBrackets = peek(cursor) === '('
  const radicand = nested(cursor, primary)
  if (radicand === null || radicand.percent || radicand.value.s < 0n) return null
  const n = integerRoot(radicand.value.n)
  const d = integerRoot(radicand.value.d)
  if (n === null || d === null) return null
  // "The square root of 16 times 4" is 16 or 8, and the bar of a written root is lost in plain text.
  if (!inBrackets && cursor.at < cursor.tokens.length && peek(cursor) !== ')') return null
  const value = new Fraction(n, d)
  cursor.steps.push(`sqrt(${formatRational(radicand.value)}) = ${formatRational(value)}`)
  return { value, percent: false, shape: 'plain' }
}

/** The root of a perfect square >= 0, by Newton's iteration from above; null for other integers. */
function integerRoot(square: bigint): bigint | null {
  if (square < 2n) return square
  let guess = 1n << BigInt((square.toString(2).length + 1) >> 1)
  for (let next = (guess + square / guess) >> 1n; next < guess; next = (guess + square / guess) >> 1n) guess = next
  return guess * guess === square ? guess : null
}

function raised(base: Fraction, exponent: Fraction): Quantity | null {
  if (exponent.d !== 1n || exponent.n > MAX_EXPONENT) return null
  if (base.n === 0n && exponent.s * exponent.n <= 0n) return null
  const digits = Math.max(base.n.toString().length, base.d.toString().length) - 1
  if (BigInt(digits) * exponent.n > BigInt(MAX_DIGITS)) return null
  const n = base.n ** exponent.n
  const d = base.d ** exponent.n
  const sign = base.s < 0n && exponent.n % 2n === 1n ? -1n : 1n
  const value = exponent.s < 0n ? new Fraction(sign * d, n) : new Fraction(sign * n, d)
  return within({ value, percent: false, shape: 'plain' })
}

function nested(cursor: Cursor, read: (cursor: Cursor) => Quantity | null): Quantity | null {
  if (cursor.depth >= MAX_DEPTH) return null
  cursor.depth++
  const quantity = read(cursor)
  cursor.depth--
  return quantity
}

type Noted = Pick<Quantity, 'value' | 'percent'>

function note(cursor: Cursor, [left, sign, right]: readonly [Noted, string | null, Noted], result: Fraction): void {
  cursor.steps.push(`${written(left)} ${sign} ${written(right)} = ${formatRational(result)}`)
}

/** Brackets around what would read as something else beside a sign. */
function written({ value, percent }: Noted): string {
  if (percent) return `${formatRational(value.mul(100))}%`
  const plain = value.d === 1n ? formatRational(value) : formatRational(value).replace(/ \u2248 .*$/, '')
  return value.s < 0n || plain.includes('/') ? `(${plain})` : plain
}

function within(quantity: Quantity): Quantity | null {
  return quantity.value.n < LARGEST && quantity.value.d < LARGEST ? quantity : null
}

function peek(cursor: Cursor): Sign | null {
  const token = cursor.tokens[cursor.at]
  return token === undefined || token.type === 'number' || token.type === 'part' ? null : token.type
}

function take(cursor: Cursor): Sign | null {
  const sign = peek(cursor)
  cursor.at++
  return sign
}
