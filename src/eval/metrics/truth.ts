/** What labels say of an answer. Pure. */
import type { AuditRecord } from '../../spec/audit.ts'
import { LABEL_SOURCES, type LabelSource, type RecordedLabel } from '../../spec/label.ts'

export interface Truth {
  readonly source: LabelSource
  readonly isCorrect: boolean
}

/**
 * Whether the local answer of a request was right: the last word of the surest source. What the frontier said in its place counts as
 * the frontier's label.
 *
 * @returns null when nobody said anything
 */
export function localTruth({ labels, draft }: Pick<AuditRecord, 'labels' | 'draft'>): Truth | null {
  for (const source of LABEL_SOURCES) {
    const label = labels.findLast((one) => one.source === source)
    if (label) return { source, isCorrect: label.isCorrect }
    if (source === 'frontier' && draft && draft.agrees !== null) return { source, isCorrect: draft.agrees }
  }
  return null
}

/** Whether the answer that the caller got was right. A label speaks of the local answer, unless it says what was served. */
export function isServedWrong({ labels, route }: Pick<AuditRecord, 'labels' | 'route'>): boolean {
  return surest(labels.flatMap((label) => servedLabel(label, route)))?.isCorrect === false
}

/** @returns whether a thumb was up; null without one that speaks of the served answer */
export function thumbOf({ labels, route }: Pick<AuditRecord, 'labels' | 'route'>): boolean | null {
  const thumbs = labels.filter(({ source }) => source === 'thumbs').flatMap((label) => servedLabel(label, route))
  return thumbs.at(-1)?.isCorrect ?? null
}

function servedLabel({ source, isCorrect, isServedCorrect }: RecordedLabel, route: string): readonly Truth[] {
  const served = isServedCorrect ?? (route === 'local' ? isCorrect : null)
  return served === null ? [] : [{ source, isCorrect: served }]
}

function surest(said: readonly Truth[]): Truth | undefined {
  const source = LABEL_SOURCES.find((known) => said.some((one) => one.source === known))
  return said.findLast((one) => one.source === source)
}
