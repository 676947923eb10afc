import { Fraction } from 'fraction.js'
import { formatDecimal, formatRational } from './format-rational.ts'
import type { Solver, Worked } from './solver.ts'
import { dimensionName, type Measure, type Reading, readUnit, sameDimension } from './unit-expressions.ts'
import { type Quantity, readQuantity } from './unit-quantities.ts'
import { readUnitQuestion } from './unit-questions.ts'

/**
 * Exact conversions: SI, US customary, data sizes, temperatures, compound units (`km/h`, `5 ft 10 in`) and sums of
 * amounts. A question whose units have two readings with different answers is declined: tons, months in days, `mb` in
 * MiB, and American volumes in British spelling.
 */
export const units: Solver = {
  name: 'units',
  solve: (question) => {
    if (question.length > MAX_QUESTION_CHARS || /[\r\n\u2028\u2029]/.test(question.trim())) return null
    const reading: Reading = { british: BRITISH.test(question) }
    const answers = readUnitQuestion(question).flatMap(({ amount, targets }) => {
      const quantity = readQuantity(amount)
      return quantity === null ? [] : convert(quantity, targets, reading)
    })
    const distinct = new Set(answers.map(({ answer }) => answer))
    return distinct.size === 1 ? (answers[0] ?? null) : null
  },
}

const MAX_QUESTION_CHARS = 300
const BRITISH = /\b[a-z]*(?:metre|litre|gramme|tonne)s?\b/i

/** One answer for each way to read the names; empty when they do not measure the same. */
function convert(quantity: Quantity, targets: readonly string[], reading: Reading): readonly Worked[] {
  const named = quantity.parts.flat()
  // A sum without a target is told in its first unit.
  const wanted = targets.length > 0 ? targets : [named[0]?.unit ?? '']
  const names = [...named.map(({ unit }) => unit), ...wanted]
  const choices: (readonly Measure[])[] = []
  for (const name of names) {
    const meanings = readUnit(name, reading)
    // Most texts that hold a figure hold no unit; the first word that is none ends the search.
    if (meanings.length === 0) return []
    choices.push(meanings)
  }
  return combinations(choices).flatMap((measures) => {
    const from = measures.slice(0, named.length)
    const to = measures.slice(named.length)
    const worked = convertRead({ quantity, from, to, wanted, bare: targets.length === 1 })
    return worked === null ? [] : [worked]
  })
}

const MAX_COMBINATIONS = 256

/** One meaning of each name, all of one dimension and one usage. */
function combinations(choices: readonly (readonly Measure[])[]): readonly (readonly Measure[])[] {
  return choices.reduce<readonly (readonly Measure[])[]>(
    (chosen, meanings) =>
      chosen
        .flatMap((before) =>
          meanings.filter((meaning) => agrees(before, meaning)).map((meaning) => [...before, meaning]),
        )
        .slice(0, MAX_COMBINATIONS),
    [[]],
  )
}

function agrees(before: readonly Measure[], next: Measure): boolean {
  return before.every(
    ({ of, usage }) => sameDimension(of, next.of) && (usage === null || next.usage === null || usage === next.usage),
  )
}

interface Conversion {
  readonly quantity: Quantity
  readonly from: readonly Measure[]
  readonly to: readonly Measure[]
  readonly wanted: readonly string[]
  /** The question names the unit of the answer, so that the figure alone is the answer. */
  readonly bare: boolean
}

function convertRead({ quantity, from, to, wanted, bare }: Conversion): Worked | null {
  const steps: string[] = []
  const total = sumOf(quantity, from, steps)
  const [target, ...smaller] = to
  if (total === null || target === undefined) return null
  const isScale = target.of.K === 1 && dimensionName(target.of) === 'K' && quantity.parts.length === 1
  // Nothing is colder than absolute zero.
  if (isScale && total.s < 0n) return null
  if (smaller.length > 0) return inSeveral(total, to, wanted, steps)
  const value = (target.offset === null ? total : total.sub(target.offset)).div(target.factor)
  const figure = formatDecimal(value)
  const base = dimensionName(target.of)
  const shift = target.offset === null ? '' : ` - ${exact(target.offset)} ${base}`
  const rounded = formatRational(value) === figure ? '' : ', rounded to 10 digits'
  const shifted = `${exact(total)} ${base}${shift}`
  const divided = target.factor.equals(1)
    ? shifted
    : `${shift === '' ? shifted : `(${shifted})`} / ${bracketed(target.factor, base)}`
  steps.push(`${divided} = ${figure} ${wanted[0]}${rounded}`)
  return { answer: bare ? figure : `${figure} ${wanted[0]}`, steps }
}

/** In base measures; null for what cannot be added, such as two temperatures. */
function sumOf(quantity: Quantity, from: readonly Measure[], steps: string[]): Fraction | null {
  const terms = quantity.parts.flat()
  let total = new Fraction(0)
  let at = 0
  for (const compound of quantity.parts) {
    for (const [place, term] of compound.entries()) {
      const measure = from[at]
      const before = from[at - 1]
      at++
      if (measure === undefined || (terms.length > 1 && measure.offset !== null)) return null
      // "5 inches 3 feet" is not one length.
      if (place > 0 && (before === undefined || measure.factor.compare(before.factor) >= 0)) return null
      const scaled = term.count.mul(measure.factor)
      const value = measure.offset === null ? scaled : scaled.add(measure.offset)
      const base = dimensionName(measure.of)
      const shift = measure.offset === null ? '' : ` + ${exact(measure.offset)} ${base}`
      steps.push(
        `${exact(term.count)} ${term.unit} = ${exact(term.count)} * ${exact(measure.factor)} ${base}${shift} = ${exact(value)} ${base}`,
      )
      total = total.add(value)
    }
  }
  return total
}

/** As a figure, or as a ratio where no decimal is exact. */
function exact(value: Fraction): string {
  return formatRational(value).replace(/ \u2248 .*$/, '')
}

function bracketed(value: Fraction, base: string): string {
  const figure = exact(value)
  return figure.includes('/') ? `(${figure} ${base})` : `${figure} ${base}`
}

/** `5 feet 10 inches`: whole counts of the larger units, the rest in the smallest. */
function inSeveral(total: Fraction, to: readonly Measure[], wanted: readonly string[], steps: string[]): Worked | null {
  if (total.s < 0n) return null
  let rest = total
  const parts: string[] = []
  for (const [at, measure] of to.entries()) {
    const larger = to[at - 1]
    if (measure.offset !== null || (larger !== undefined && measure.factor.compare(larger.factor) >= 0)) return null
    const count = rest.div(measure.factor)
    const whole = at === to.length - 1 ? count : count.floor()
    rest = rest.sub(whole.mul(measure.factor))
    parts.push(`${formatDecimal(whole)} ${wanted[at]}`)
  }
  steps.push(`${exact(total)} ${dimensionName(to[0]?.of ?? {})} = ${parts.join(' ')}`)
  return { answer: parts.join(' '), steps }
}
