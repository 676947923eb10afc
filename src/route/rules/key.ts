import { BOTH, type Rule, remove } from './rule.ts'

/** An actor none of whose models the caller's API key may use can neither be asked nor answer. */
export const keyRule: Rule = ({ candidates }) =>
  candidates.barred.flatMap((actor) =>
    remove(actor, BOTH, {
      rule: 'key',
      reason: actor === 'local' ? 'policy_requires_frontier' : 'policy_requires_local',
      detail: `The API key of the request may use no ${actor} model of this task.`,
    }),
  )
