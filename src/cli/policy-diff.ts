/** `spillway policy diff`: what two policies say differently, and what they would have decided differently. */
import { loadPolicyFile } from '../stores/policy-file.ts'
import type { CliContext } from './context.ts'
import { sinceMs } from './duration.ts'
import { withoutSecrets } from './policy-exposure.ts'
import { replayAudit } from './replay-run.ts'
import { replayLines } from './replay-text.ts'
import { printResult } from './terminal.ts'

export interface PolicyDiffFlags {
  readonly since: string
  readonly json?: true
}

/** One key that differs; null stands for one that is not there. */
export interface PolicyDifference {
  readonly key: string
  readonly old: unknown
  readonly new: unknown
}

/** @throws RouterError policy_not_found, policy_invalid, env_missing, usage */
export async function diffPolicies(
  files: readonly [old: string, next: string],
  flags: PolicyDiffFlags,
  context: CliContext,
): Promise<void> {
  const since = sinceMs(flags.since, Date.now())
  const [base, next] = [loadPolicyFile(files[0], context.env), loadPolicyFile(files[1], context.env)]
  const differences = policyDifferences(withoutSecrets(base.policy), withoutSecrets(next.policy))
  const report = await replayAudit({ sinceMs: since, next, base, calibrator: 'recorded', examples: 3 }, context)
  const consequence = report.decisions === 0 ? null : report
  const value = { oldDigest: base.digest, newDigest: next.digest, differences, consequence }
  const lines = [
    ...(differences.length === 0 ? [sameLine(base.digest === next.digest)] : differences.map(differenceLine)),
    '',
    ...(consequence
      ? replayLines(consequence, { columns: context.terminal.columns, sides: ['old', 'new'] })
      : [`No request is recorded since ${flags.since}: the consequence is not known.`]),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

/** Every leaf that differs, by its path; a list is one leaf. */
export function policyDifferences(old: unknown, next: unknown): readonly PolicyDifference[] {
  const [before, after] = [new Map(leaves(old, '')), new Map(leaves(next, ''))]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => JSON.stringify(before.get(key)) !== JSON.stringify(after.get(key)))
    .toSorted()
    .map((key) => ({ key, old: before.get(key) ?? null, new: after.get(key) ?? null }))
}

function leaves(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return value === undefined ? [] : [[path, value]]
  const entries = Object.entries(value)
  // An empty part says that it is there.
  if (entries.length === 0) return [[path, {}]]
  return entries.flatMap(([key, item]) => leaves(item, path === '' ? key : `${path}.${key}`))
}

function sameLine(isSame: boolean): string {
  return isSame ? 'The policies are the same.' : 'The policies say the same; files that they name differ.'
}

const MOST_CHARS = 120

function differenceLine({ key, old, new: next }: PolicyDifference): string {
  return `${key}: ${shown(old)} -> ${shown(next)}`
}

function shown(value: unknown): string {
  if (value === null) return '(none)'
  const text = JSON.stringify(value)
  return text.length <= MOST_CHARS ? text : `${text.slice(0, MOST_CHARS)}… (${text.length} characters)`
}
