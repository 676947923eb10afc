import { BOTH, type Rule, remove } from './rule.ts'

/** A caller's wish removes the other actor; it never brings one back. */
export const overrideRule: Rule = ({ override }) => {
  if (override === 'auto') return []
  return remove(override === 'local' ? 'frontier' : 'local', BOTH, {
    rule: 'override',
    reason: 'manual_override',
    detail: `The caller asked for ${override}.`,
  })
}
