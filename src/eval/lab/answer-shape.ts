/** What can be counted in a text, without understanding it. Pure. */

/** Length, digits, lines, signs: 12 figures. */
export function shapeOf(text: string): readonly number[] {
  const length = Math.max(1, text.length)
  const words = text.split(/\s+/).filter((word) => word !== '')
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0
  return [
    Math.log1p(text.length),
    Math.log1p(words.length),
    count(/\d/g) / length,
    count(/\d+\.?\d*/g),
    count(/\n/g),
    count(/[+\-*/=^<>%$\\]/g) / length,
    words.reduce((sum, word) => sum + word.length, 0) / Math.max(1, words.length),
    count(/\p{Lu}/gu) / length,
    count(/\?/g),
    count(/,/g),
    count(/\bnot\b/gi),
    count(/\(/g),
  ]
}

/**
 * How a worked answer fits its question: 9 figures. Calculations that stand in the text are done again; numbers of the
 * question that the answer never uses are counted, and so is whether the last number was computed.
 */
export function workingOf(answer: string, question: string): readonly number[] {
  const sums = [...answer.matchAll(CALCULATION)].map(([, a, sign, b, c]) =>
    isRight(Number(a), sign ?? '', Number(b), Number(c)),
  )
  const numbers = numbersIn(answer)
  const asked = new Set(numbersIn(question))
  const unused = [...asked].filter((number) => !numbers.includes(number)).length
  const last = numbers.at(-1)
  return [
    sums.length,
    sums.filter((right) => !right).length,
    (answer.match(/<</g) ?? []).length,
    unused / Math.max(1, asked.size),
    new Set(numbers).size,
    last === undefined ? 0 : numbers.slice(0, -1).filter((number) => number === last).length,
    last === undefined ? 1 : Number.isInteger(last) ? 0 : 1,
    last === undefined ? 0 : Math.log1p(Math.abs(last)),
    last !== undefined && last < 0 ? 1 : 0,
  ]
}

const CALCULATION = /(-?\d+(?:\.\d+)?)\s*([+\-*/x×])\s*\$?(-?\d+(?:\.\d+)?)\s*=\s*\$?(-?\d+(?:\.\d+)?)/g

function isRight(a: number, sign: string, b: number, c: number): boolean {
  const result = sign === '+' ? a + b : sign === '-' ? a - b : sign === '/' ? a / b : a * b
  return Math.abs(result - c) <= 0.01 * Math.max(1, Math.abs(result))
}

function numbersIn(text: string): readonly number[] {
  return (text.replace(/(\d),(?=\d{3}\b)/g, '$1').match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number)
}
