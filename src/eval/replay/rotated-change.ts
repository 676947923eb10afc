/** Both policies of a replay under what was rotated in when a request was recorded, where the policy still lets it stand. Pure. */
import { withSetup } from '../../pipeline/task-setup.ts'
import type { RecordedSetup } from '../../spec/circumstances.ts'
import type { KeptPolicy } from '../../spec/kept-policy.ts'
import type { LocalSetup } from '../../spec/rotation.ts'
import { type PolicyChange, policyChange } from './policy-change.ts'

/** @returns the change itself for a request whose task answered as the policy says */
export function rotatedChange(change: PolicyChange, task: string, rotated: RecordedSetup | undefined): PolicyChange {
  if (!rotated) return change
  const key = JSON.stringify([task, rotated])
  const found = known.get(change)?.get(key)
  if (found) return found
  const setup = setupOf(rotated)
  const under = (kept: KeptPolicy): KeptPolicy => ({ ...kept, policy: withSetup(kept.policy, task, setup) })
  const [old, next] = [under(change.old), under(change.next)]
  const made = policyChange(change.old === change.next ? next : old, next)
  known.set(change, (known.get(change) ?? new Map<string, PolicyChange>()).set(key, made))
  return made
}

const known = new WeakMap<PolicyChange, Map<string, PolicyChange>>()

/** The text of a prompt decides nothing that is not on record; its hash tells it from others. */
function setupOf({ labels, ...setup }: RecordedSetup): LocalSetup {
  const { promptHash } = setup
  return { ...setup, labels: labels && [...labels], prompt: promptHash === null ? null : { system: promptHash } }
}
