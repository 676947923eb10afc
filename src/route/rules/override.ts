import { BOTH, type Rule, type RuleInput, remove } from './rule.ts'

/** A wish, of the caller or of an operator for a while, removes the other actor; it never brings one back. */
export const overrideRule: Rule = ({ override, setBy, lifted }) => {
  if (override === 'auto') return []
  return remove(override === 'local' ? 'frontier' : 'local', BOTH, {
    rule: 'override',
    reason: 'manual_override',
    detail: lifted?.actor ? `Released to ${override} by ${lifted.by}: ${lifted.why}.` : wishOf(override, setBy),
  })
}

function wishOf(override: string, setBy: RuleInput['setBy']): string {
  return setBy
    ? `The route ${override} is set until ${setBy.until} by ${setBy.by}: ${setBy.why}.`
    : `The caller asked for ${override}.`
}
