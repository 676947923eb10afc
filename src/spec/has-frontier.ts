import type { LoadedPolicy } from './policy.ts'

/** Whether the policy has a frontier with a key for a task, up or not. */
export function hasFrontier(task: string, { policy, missingKeys }: LoadedPolicy): boolean {
  const slot = policy.tasks[task]?.frontier ?? ['frontier']
  if (slot === false) return false
  return Object.entries(policy.models).some(
    ([name, { tier }]) => tier === 'frontier' && !(name in missingKeys) && (slot.includes(name) || slot.includes(tier)),
  )
}
