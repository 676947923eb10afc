/** Whether the one who answers only does so because somebody the policy prefers could not. */
import type { Run } from './run.ts'

/** A frontier that answers in place of another one that rests, or that failed this request: the answer is marked degraded. */
export function isSubstitute(
  { decision, attempts, among }: Pick<Run, 'decision' | 'attempts' | 'among'>,
  model: string,
): boolean {
  if (!decision.frontier.includes(model)) return false
  // Of a cascade a higher tier answers in place of a lower one, and that is no loss.
  const own = among?.includes(model) ? among : decision.frontier
  if (decision.away.length > 0 && (decision.tiers.at(-1)?.models ?? own).includes(model)) return true
  const place = own.indexOf(model)
  return attempts.some(
    (made) => made.purpose === 'answer' && made.outcome === 'failed' && isBefore(own, made.model, place),
  )
}

function isBefore(frontiers: readonly string[], name: string, place: number): boolean {
  const own = frontiers.indexOf(name)
  return own !== -1 && own < place
}
