/** The policy of a command that was given none: the shipped agent template, with the models that are on this machine. */
import { readFileSync } from 'node:fs'
import type { LoadedPolicy } from '../spec/policy.ts'
import { loadPolicyFile, parsePolicy } from '../stores/policy-file.ts'
import { type CliContext, templateFile } from './context.ts'
import { findAround } from './found.ts'
import { planFrom } from './found-plan.ts'
import { findPolicyFile, POLICY_FILE } from './policy-lookup.ts'
import { policyText } from './policy-text.ts'

/**
 * As `findPolicy`, but without a file the plan is that of `spillway` alone: what was found on this machine, under the
 * tasks of the shipped agent template. The same machine gives the same policy, so a running `spillway` is recognised.
 *
 * @throws RouterError policy_not_found, policy_invalid, env_missing
 */
export async function policyOrDetected(option: string | undefined, context: CliContext): Promise<LoadedPolicy> {
  const file = findPolicyFile(option, context)
  if (file) return loadPolicyFile(file, context.env)
  context.terminal.say(`No ${POLICY_FILE} here: using what is on this machine (\`spillway init\` writes it down).`)
  return detectedPolicy(detectedText(planFrom(await findAround(context), context.env)), context)
}

/** The text that `spillway init` would write. */
export function detectedText(plan: Parameters<typeof policyText>[1]): string {
  return policyText(readFileSync(templateFile('agent'), 'utf8'), plan)
}

export function detectedPolicy(text: string, { env }: Pick<CliContext, 'env'>): LoadedPolicy {
  // Relative paths in it are relative to the template's folder.
  return parsePolicy(text, { file: templateFile('agent'), env })
}
