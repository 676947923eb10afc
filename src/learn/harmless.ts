/** Which of the texts that are known to be harmless may say how unusual a request is. Pure. */
import type { HarmlessTexts, HeadExampleSet, TaskPolicy } from '../spec/policy.ts'
import { leastUsual } from './conformal.ts'

/** The texts that the head was not trained on: those it was trained on would look more harmless than they are. */
export function unseenTexts(harmless: HarmlessTexts | undefined, head: HeadExampleSet | undefined): readonly string[] {
  if (!harmless || !head) return harmless?.texts ?? []
  const last = compared.get(harmless)
  if (last?.head === head.digest) return last.unseen
  const trained = new Set(head.rows.map(({ text }) => folded(text)))
  const unseen = harmless.texts.filter((text) => !trained.has(folded(text)))
  compared.set(harmless, { head: head.digest, unseen })
  return unseen
}

/** Asked with every request, and a thousand texts take milliseconds. */
const compared = new WeakMap<HarmlessTexts, { readonly head: string; readonly unseen: readonly string[] }>()

/** @returns why a stop check can stop nothing; null when it can */
export function whyOff(
  { maxFalseStopRate }: NonNullable<TaskPolicy['stopCheck']>,
  unseen: readonly string[],
): string | null {
  const needed = leastUsual(maxFalseStopRate)
  if (unseen.length >= needed) return null
  return `${unseen.length} of ${needed} harmless texts that its head was not trained on, for maxFalseStopRate ${maxFalseStopRate}`
}

/** Copies of one text differ in spaces and case. */
function folded(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase()
}
