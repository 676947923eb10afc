/** The task key `pattern`: how local and frontier models work together on the task, and the options of each way. */
import { z } from 'zod'
import { PATTERNS, type PatternName } from './decision.ts'
import { advisorSchema } from './policy-advisor.ts'
import { buddySchema } from './policy-buddy.ts'
import { cascadeSchema } from './policy-cascade.ts'
import { consensusSchema } from './policy-consensus.ts'
import { draftVerifySchema } from './policy-draft-verify.ts'
import { pluginPatternSchema } from './policy-plugin.ts'
import { specialistSchema } from './policy-specialist.ts'

/** The options of every pattern; the file of a family holds those of its patterns. */
const OPTIONS = {
  direct: z.strictObject({}).describe('One actor answers, without gates.'),
  cascade: cascadeSchema,
  advisor: advisorSchema,
  specialist: specialistSchema,
  draft_verify: draftVerifySchema,
  buddy: buddySchema,
  consensus: consensusSchema,
  plugin: pluginPatternSchema,
} as const satisfies Readonly<Record<PatternName, z.ZodType>>

type Options = { readonly [Name in PatternName]: z.output<(typeof OPTIONS)[Name]> }

/** One entry: the name of the pattern with its options, those that the policy leaves out filled in. */
export type PatternPolicy = { readonly [Name in PatternName]?: Options[Name] | undefined }

const withOptions = z.strictObject({
  direct: OPTIONS.direct.optional(),
  cascade: OPTIONS.cascade.optional(),
  advisor: OPTIONS.advisor.optional(),
  specialist: OPTIONS.specialist.optional(),
  draft_verify: OPTIONS.draft_verify.optional(),
  buddy: OPTIONS.buddy.optional(),
  consensus: OPTIONS.consensus.optional(),
  plugin: OPTIONS.plugin.optional(),
})

export const patternSchema = z
  .union([z.enum(PATTERNS).transform(defaultsOf), withOptions.transform((entry): PatternPolicy => entry)])
  .optional()
  .describe(
    'How local and frontier models work together: a name, or `{ name: options }`. Default: cascade; consensus for a task that is `critical`.',
  )

/** The pattern of a task that names none. */
export function defaultPattern({ critical }: { readonly critical: boolean }): PatternPolicy {
  return defaultsOf(critical ? 'consensus' : 'cascade')
}

/** @returns the name of the task's pattern */
export function patternName(task: { readonly pattern: PatternPolicy }): PatternName {
  return PATTERNS.find((name) => task.pattern[name] !== undefined) ?? 'cascade'
}

/** Whether somebody else may still accept what a plain threshold of a gate doubts, so that the draft is written to its end. */
export function settlesDoubts(task: { readonly pattern: PatternPolicy }): boolean {
  const { advisor, draft_verify, buddy } = task.pattern
  return advisor !== undefined || draft_verify !== undefined || buddy !== undefined
}

/** Whether the pattern looks at the single tokens of a local answer. */
export function readsTokens(task: { readonly pattern: PatternPolicy }): boolean {
  return task.pattern.buddy !== undefined
}

/** Gates of a task that may accept what plain thresholds doubt, so that they run although one does. */
export function verifyingGates({ pattern: { draft_verify } }: { readonly pattern: PatternPolicy }): readonly string[] {
  const verifier = draft_verify?.verifier
  return typeof verifier === 'object' ? verifier.gates : []
}

/** The options that the task sets for a pattern, or its defaults where the task has another one. */
export function patternOptions<Name extends PatternName>(
  task: { readonly pattern: PatternPolicy },
  name: Name,
): Options[Name] {
  return task.pattern[name] ?? (OPTIONS[name].parse({}) as Options[Name])
}

function defaultsOf(name: PatternName): PatternPolicy {
  return { [name]: OPTIONS[name].parse({}) }
}
