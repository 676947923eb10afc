import type { Fields } from './wire-body.ts'

/**
 * `carried`: the model is asked the same. `warned`: it is not asked this, and the caller is told so. `refused`: without it the
 * request would mean something else, so the model is not asked.
 */
export type Carriage = 'carried' | 'warned' | 'refused'

export interface TranslationRow {
  /** As the caller's dialect writes it. */
  readonly field: string
  readonly carriage: Carriage
  /** What it becomes, or why it does not; a clause. */
  readonly how: string
  /** Whether a body holds it, and the model at the other end does not take it. Default: the field of that name is set. */
  readonly isUsed?: (body: Fields, model: string) => boolean
}

export function carried(field: string, how: string): TranslationRow {
  return { field, carriage: 'carried', how, isUsed: () => false }
}

export function warned(field: string, how: string, isUsed?: TranslationRow['isUsed']): TranslationRow {
  return { field, carriage: 'warned', how, ...(isUsed && { isUsed }) }
}

export function refused(field: string, how: string, isUsed?: TranslationRow['isUsed']): TranslationRow {
  return { field, carriage: 'refused', how, ...(isUsed && { isUsed }) }
}
