/** What answers look like: recorded ones, or those of an application's own worked examples. Pure. */

export type AnswerShape =
  | { readonly form: 'closed'; readonly values: readonly string[] }
  | { readonly form: 'numbers'; readonly min: number; readonly max: number; readonly decimals: number }
  | { readonly form: 'json'; readonly values: readonly Readonly<Record<string, unknown>>[] }
  | { readonly form: 'fenced' }
  | { readonly form: 'spans'; readonly share: number }
  | { readonly form: 'short'; readonly values: readonly string[] }
  | { readonly form: 'prose' }

export interface SeenPair {
  readonly input: string
  readonly output: string
}

const ENOUGH = 0.8
const SHORT_CHARS = 60
/** A closed set shows itself by values that come again: in traffic often, among a handful of worked examples once or twice. */
export const REPEATS = { traffic: 3, examples: 1.5 } as const

/** @returns null without answers */
export function answerShape(pairs: readonly SeenPair[], repeats: number): AnswerShape | null {
  const outputs = pairs.map(({ output }) => output.trim()).filter((output) => output !== '')
  if (outputs.length === 0) return null
  const share = (holds: (output: string) => boolean): number => outputs.filter(holds).length / outputs.length
  const objects = outputs.map(objectOf).filter((value) => value !== null)
  if (objects.length / outputs.length >= ENOUGH) return { form: 'json', values: objects }
  if (share((output) => /^```[\w+-]*\n[\s\S]+\n```$/.test(output)) >= ENOUGH) return { form: 'fenced' }
  const numbers = outputs.filter((output) => NUMBER.test(output)).map((output) => Number(output.replace(',', '.')))
  if (numbers.length / outputs.length >= ENOUGH && !isYesNoBits(numbers)) return numberShape(numbers, outputs)
  const closed = closedValues(outputs, repeats)
  if (closed) return { form: 'closed', values: closed }
  const spans = pairs.filter(({ input, output }) => isSpan(output, input)).length / outputs.length
  if (spans >= 0.6 && share((output) => output.length <= 300) >= ENOUGH) return { form: 'spans', share: spans }
  return share((output) => output.length <= SHORT_CHARS) >= ENOUGH
    ? { form: 'short', values: [...new Set(outputs)] }
    : { form: 'prose' }
}

const NUMBER = /^-?\d+(?:[.,]\d+)?$/

/** The object that an answer is, inside a fence or bare; null when it is none. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  const body = /^```(?:json)?\s*([\s\S]*?)\s*```$/.exec(text.trim())?.[1] ?? text.trim()
  if (!body.startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** The distinct values when they are few, short and come again and again; null when the set looks open. */
export function closedValues(outputs: readonly string[], repeats: number = REPEATS.traffic): readonly string[] | null {
  const counts = new Map<string, number>()
  for (const output of outputs) counts.set(output, (counts.get(output) ?? 0) + 1)
  const often = [...counts].filter(([, count]) => count >= Math.max(1, outputs.length * 0.01))
  const covered = often.reduce((sum, [, count]) => sum + count, 0) / outputs.length
  const isClosed = counts.size <= 32 && outputs.length >= counts.size * repeats && covered >= 0.95
  const isShort = outputs.every((output) => output.length <= 40 && !output.includes('\n'))
  return isClosed && isShort && counts.size >= 2 ? often.map(([value]) => value).toSorted() : null
}

function numberShape(numbers: readonly number[], outputs: readonly string[]): AnswerShape {
  const decimals = Math.max(...outputs.map((output) => /[.,](\d+)$/.exec(output)?.[1]?.length ?? 0))
  return { form: 'numbers', min: Math.min(...numbers), max: Math.max(...numbers), decimals }
}

function isYesNoBits(numbers: readonly number[]): boolean {
  return numbers.length >= 2 * REPEATS.traffic && numbers.every((number) => number === 0 || number === 1)
}

function isSpan(output: string, input: string): boolean {
  const wanted = output.trim().replace(/^["'“„«]|["'”»]?\.?$/g, '')
  return wanted.length >= 2 && input.toLowerCase().includes(wanted.toLowerCase())
}
