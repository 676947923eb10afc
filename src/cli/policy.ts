/** `spillway policy check | show | schema | diff | import | override`. */
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { z } from 'zod'
import { resolvePaths } from '../models/paths.ts'
import { policySchema } from '../spec/policy.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { pluginChecks } from './doctor-plugins.ts'
import type { PolicyDiffFlags } from './policy-diff.ts'
import { exposureOf, withoutSecrets } from './policy-exposure.ts'
import { addPolicyImport } from './policy-import.ts'
import { findPolicy } from './policy-lookup.ts'
import { addPolicyOverride } from './policy-override.ts'
import { stopCheckStates } from './stop-checks.ts'
import { tenantCeilingChecks } from './tenant-ceilings.ts'
import { printResult } from './terminal.ts'

interface PolicyFlags {
  readonly policy?: string
  readonly json?: true
}

export const addPolicy: AddCommand = (program, context) => {
  const policy = program.command('policy').description('check, show, describe or compare policies')
  const check = addCommand(policy, 'check [file]', 'validate a policy file; an error names the place and the fix')
  check.action((file: string | undefined, flags: PolicyFlags) => checkPolicy(file, flags, context))
  const show = addCommand(policy, 'show [file]', 'print the policy with every default filled in; never a key')
  show.action((file: string | undefined, flags: PolicyFlags) => showPolicy(file, flags, context))
  const schema = addCommand(policy, 'schema', 'print the JSON Schema of policy files, for editors')
  schema.action(() => context.terminal.print(policyJsonSchema()))
  addCommand(policy, 'diff <old> <new>', 'what two policies say, and would have decided, differently')
    .option('--since <span>', 'replay the requests of a span such as 24h or 30d, or since a date', '7d')
    .action(async (old: string, next: string, flags: PolicyDiffFlags) => {
      // Replaying needs much that the other commands do without.
      const { diffPolicies } = await import('./policy-diff.ts')
      await diffPolicies([old, next], flags, context)
    })
  addPolicyImport(policy, context)
  addPolicyOverride(policy, context)
  for (const command of [check, show] satisfies Command[]) command.option('--policy <file>', 'the same as the argument')
}

/** @returns the JSON Schema of a policy file as its author writes it, two spaces deep */
export function policyJsonSchema(): string {
  return JSON.stringify(z.toJSONSchema(policySchema, { io: 'input' }), null, 2)
}

function checkPolicy(file: string | undefined, flags: PolicyFlags, context: CliContext): void {
  const loaded = findPolicy(file ?? flags.policy, context)
  const { policy, digest, missingKeys } = loaded
  const plugins = loaded.plugins.map(({ plugin: { kind, name, version }, from }) => ({ kind, name, version, from }))
  const tasks = Object.keys(policy.tasks)
  const models = Object.keys(policy.models)
  const unavailable = Object.entries(missingKeys).map(
    ([model, variable]) => `model ${model} is unavailable: ${variable} is not set.`,
  )
  const exposure = exposureOf(loaded.file)
  const idle = stopCheckStates(loaded).filter(({ isOn }) => !isOn)
  const warnings = [
    ...(exposure ? [`${exposure.why} ${exposure.fix}`] : []),
    ...tenantCeilingChecks(loaded, resolvePaths(context.env, process.platform))
      .filter(({ state }) => state === 'warn')
      .map(({ why, fix }) => `${why} ${fix}`),
    ...idle.map(({ task, why, fix }) => `stop check of ${task}: ${why} ${fix}`),
    ...pluginChecks(loaded)
      .filter(({ state }) => state === 'warn')
      .map(({ why, fix }) => `${why} ${fix}`),
  ]
  const value = { ok: true, file: loaded.file, digest, tasks, models, plugins, missingKeys, warnings }
  const lines = [
    `${loaded.file} is valid: ${tasks.length} tasks, ${models.length} models.`,
    `digest ${digest}`,
    ...plugins.map(({ kind, name, version, from }) => `${kind} plugin ${name} ${version} from ${from}`),
    ...unavailable,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

function showPolicy(file: string | undefined, flags: PolicyFlags, context: CliContext): void {
  const policy = withoutSecrets(findPolicy(file ?? flags.policy, context).policy)
  // The loaded policy holds key references such as ${env:NAME}; the keys themselves live beside it and are not printed.
  printResult(
    { json: flags.json, value: policy, lines: [stringify(policy, { lineWidth: 0 }).trimEnd()] },
    context.terminal,
  )
}
