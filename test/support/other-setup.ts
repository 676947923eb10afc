import { writtenSetup } from '../../src/pipeline/task-setup.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { LocalSetup } from '../../src/spec/rotation.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'

/** The model `other` in the place of `small`, over what the policy says of the task `triage`. */
export function otherSetup(policy: PolicyInput, setup: Partial<LocalSetup> = {}): LocalSetup {
  const written = validatePolicy(policy, { file: 'p.yaml', env: { KEY: 'k' } }).policy.tasks.triage
  if (!written) throw new Error('no task')
  const over = writtenSetup(written)
  return { model: 'other', replaces: 'small', prompt: null, promptHash: null, labels: null, over, ...setup }
}
