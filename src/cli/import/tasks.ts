/** Lists of models that stand in for one another as tasks of a policy. */
import type { ImportedModel } from './models.ts'
import type { Section } from './shape.ts'
import type { Fields } from './values.ts'

const MOST_TIERS = 8

/**
 * Who answers, in this order: local models before hosted ones, whatever the order was.
 *
 * @returns null when nobody is left
 */
export function slotsOf(models: readonly ImportedModel[], more: Fields = {}): Section | null {
  const unique = models.filter((model, at) => models.findIndex(({ name }) => name === model.name) === at)
  const locals = unique.filter(({ isLocal }) => isLocal).map(({ name }) => name)
  const hosted = unique.filter(({ isLocal }) => !isLocal).map(({ name }) => name)
  if (unique.length === 0) return null
  if (locals.length === 0) return { notes: [], value: { ...more, pattern: 'direct', local: false, frontier: hosted } }
  if (hosted.length === 0)
    return {
      notes: ['Nobody else answers, so its answers are accepted on plain thresholds, and marked proven: false.'],
      value: { ...more, local: locals, frontier: false, stage: 'accept', accept: { uncalibrated: true } },
    }
  return {
    notes: [
      'In shadow: callers get the frontier, and the local model is measured beside it. `spillway rollout promote` moves it on.',
    ],
    value: { ...more, ...climb(locals, hosted), stage: 'shadow' },
  }
}

/** One local model needs no tiers of its own; several are asked in the order of the file. */
function climb(locals: readonly string[], hosted: readonly string[]): Fields {
  if (locals.length === 1) return { local: locals, frontier: hosted }
  const first = locals.slice(0, MOST_TIERS - 2)
  const rest = locals.slice(MOST_TIERS - 2)
  const tiers = [...first, ...(rest.length > 0 ? [rest] : []), hosted.length === 1 ? hosted[0] : hosted]
  return { pattern: { cascade: { tiers } } }
}

/** @returns how often routing must be allowed to go on, so that every tier of these tasks is reached */
export function attemptsFor(tasks: ReadonlyMap<string, Section>): number {
  const tiers = [...tasks.values()].map(({ value }) => {
    const pattern = value.pattern as { readonly cascade?: { readonly tiers?: readonly unknown[] } } | undefined
    return pattern?.cascade?.tiers?.length ?? 1
  })
  return Math.max(1, ...tiers) - 1
}

/** Names that a client may ask for, and that are safe as keys. */
export function isTaskName(name: string): boolean {
  return /^[\w][\w.:@/ -]{0,99}$/.test(name) && !['__proto__', 'constructor', 'prototype'].includes(name)
}
