import type { TaskKind } from '../spec/decision.ts'

/**
 * Whether two answers of one task say the same, read without any model.
 *
 * @returns null for kinds whose answers differ in words though they mean the same
 */
export function sameAnswer(kind: TaskKind, one: string, other: string): boolean | null {
  if (kind === 'text' || kind === 'code' || kind === 'similarity') return null
  if (kind === 'score') return Number(one) === Number(other)
  return plain(one) === plain(other)
}

/** Case, surrounding marks and the width of spaces carry no meaning in a label or a name. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'`.,;:!?()]+|[\s"'`.,;:!?()]+$/g, '')
}
