/** What is recorded of a local answer, as figures: its probabilities, its text, its option, and what the peers say. Pure. */
import { shapeOf, workingOf } from './answer-shape.ts'
import type { LabContext, LabRow } from './method.ts'
import { optionFigures } from './option-figures.ts'
import { bestOf } from './settings.ts'

/** Of one length for all rows of a recording; null is unknown. */
export function answerFigures(row: LabRow, context: LabContext): readonly (number | null)[] {
  const isOwn = row.response !== null && row.responseOf === context.setting.local
  return [
    ...logprobFigures(row, context),
    ...(row.answers ? voiceFigures(row, context) : []),
    ...(row.verifications ? [row.verifications[context.models.indexOf(context.setting.local)] ?? null] : []),
    ...(isOwn ? [...shapeOf(row.response ?? ''), ...workingOf(row.response ?? '', row.question)] : []),
    ...(row.question === '' ? [] : shapeOf(row.question)),
    ...(row.answers ? optionFigures(row, answerOf(row, context, context.setting.local)) : []),
  ]
}

export function answerOf(row: LabRow, { models }: LabContext, model: string): string | null {
  return row.answers?.[models.indexOf(model)] ?? null
}

/** Two answers that could not be read are not the same. */
export function same(one: string | null, other: string | null): boolean {
  return one !== null && one === other
}

/** In characters. */
export function lengthOf(row: LabRow, { models }: LabContext, model: string): number {
  return row.lengths?.[models.indexOf(model)] ?? 0
}

/** The local model's, the likeliest option first, in nats. */
export function ownLogprobs(row: LabRow, { setting, models }: LabContext): readonly number[] {
  return (row.logprobs?.[models.indexOf(setting.local)] ?? []).toSorted((a, b) => b - a)
}

function logprobFigures(row: LabRow, context: LabContext): readonly number[] {
  if (!row.logprobs) return []
  const { setting, models } = context
  const own = row.logprobs[models.indexOf(setting.local)] ?? []
  const best = bestOf(own)
  const peers = setting.peers.flatMap((peer) => {
    const other = row.logprobs?.[models.indexOf(peer)] ?? []
    return [...other.toSorted((a, b) => b - a), bestOf(other) === best ? 1 : 0, other[best] ?? 0]
  })
  return [...ownLogprobs(row, context), ...own, ...own.map((_, option) => (option === best ? 1 : 0)), ...peers]
}

/** Who agrees, how many answers there are, how many stand together against the local one, and how long each is. */
function voiceFigures(row: LabRow, context: LabContext): readonly number[] {
  const { local, peers } = context.setting
  const own = answerOf(row, context, local)
  const others = peers.map((peer) => answerOf(row, context, peer))
  const against = others.filter((other) => other !== null && !same(own, other))
  const length = Math.log1p(lengthOf(row, context, local))
  const lengths = peers.map((peer) => Math.log1p(lengthOf(row, context, peer)))
  return [
    own === null ? 1 : 0,
    length,
    ...others.map((other) => (same(own, other) ? 1 : 0)),
    others.filter((other) => same(own, other)).length,
    new Set([own, ...others]).size,
    Math.max(0, ...against.map((one) => against.filter((other) => one === other).length)),
    others.filter((other) => other === null).length,
    ...lengths,
    ...lengths.map((one) => length - one),
  ]
}
