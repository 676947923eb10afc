/** The baseline beside every figure: the same model asked in plain words, zero-shot, its text read as an answer. */
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'

export interface Plain {
  readonly port: ModelPort
  readonly limits: CallLimits
  readonly maxOutputTokens: number
}

/** What the model writes to one prompt, greedy. */
export async function written(prompt: string, { port, limits, maxOutputTokens }: Plain): Promise<string> {
  let text = ''
  const messages = [{ role: 'user' as const, content: prompt }]
  for await (const event of port.generate({ messages, stream: false, maxOutputTokens, temperature: 0 }, limits))
    if (event.type === 'text') text += event.delta
  return text.trim()
}

/**
 * The label a text names: the longest of those that stand first in it as whole words; null when none does. "Very
 * similar" is not read as "similar".
 */
export function namedLabel(text: string, labels: readonly string[]): string | null {
  const found = labels
    .map((label) => ({ label, at: text.search(new RegExp(`(?<![\\p{L}])${escaped(label)}(?![\\p{L}])`, 'iu')) }))
    .filter(({ at }) => at >= 0)
  const covers = (a: { label: string; at: number }, b: { label: string; at: number }): boolean =>
    a.label.length > b.label.length && a.at <= b.at && a.at + a.label.length >= b.at + b.label.length
  const whole = found.filter((one) => !found.some((other) => covers(other, one)))
  return whole.toSorted((a, b) => a.at - b.at)[0]?.label ?? null
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
