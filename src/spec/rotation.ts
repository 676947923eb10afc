/** What answers a task on this machine in place of what the policy file says, and the candidates for it. */
import { z } from 'zod'

/** Shots and instruction of one model for one task, under a name; see `tasks.*.prompt.byModel` of the policy. */
export const setupPromptSchema = z.strictObject({
  system: z.string().min(1).optional(),
  shots: z
    .array(z.strictObject({ input: z.string(), output: z.string() }))
    .max(32)
    .optional(),
  version: z.string().max(64).optional(),
})

/**
 * `model` answers where the policy's task says `replaces`; both are names of `models`, and the same where only the prompt or the order
 * of the labels changes. What `prompt` leaves out, and a null, stay as the policy says.
 */
export const localSetupSchema = z.object({
  model: z.string(),
  replaces: z.string(),
  prompt: setupPromptSchema.nullable(),
  /** `sha256:` of the prompt; null without one. */
  promptHash: z.string().nullable(),
  labels: z.array(z.string()).nullable(),
  /** Of what the policy said of the task's models, prompt and labels when this came to stand over it; edited, it lapses. */
  over: z.string(),
})
export type LocalSetup = z.output<typeof localSetupSchema>
export type SetupPrompt = z.output<typeof setupPromptSchema>

export const candidateSchema = z.object({
  id: z.string(),
  task: z.string(),
  setup: localSetupSchema,
  /** By how much the share of wrong answers may rise and still be called no worse, 0 to 1. Said before anything is seen. */
  maxLoss: z.number().positive().max(0.5),
  why: z.string(),
  by: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
  policyDigest: z.string(),
})
/** A setup that is tried beside the one in force, on the same requests. */
export type Candidate = z.output<typeof candidateSchema>

/** `no_worse`: within the loss that was allowed beforehand. `not_enough`: nothing is shown yet. */
export type RotationVerdict = 'better' | 'no_worse' | 'worse' | 'not_enough'

/** Two points: one would take four times the labels, and a task that minds one says so with `--max-loss`. */
export const USUAL_MAX_LOSS = 0.02

export function sameSetup(one: LocalSetup | undefined, other: LocalSetup | undefined): boolean {
  return partsOf(one) === partsOf(other)
}

/** `model qwen, prompt v2, labels in another order` */
export function setupText(setup: LocalSetup | undefined): string {
  if (!setup) return 'as the policy says'
  const { model, prompt, labels } = setup
  const parts = [`model ${model}`, ...(prompt ? [`prompt ${prompt.version ?? 'without a name'}`] : [])]
  return [...parts, ...(labels ? ['labels in another order'] : [])].join(', ')
}

function partsOf(setup: LocalSetup | undefined): string {
  if (!setup) return ''
  const { model, replaces, prompt, labels, over } = setup
  return JSON.stringify([model, replaces, prompt?.system, prompt?.shots, prompt?.version, labels, over])
}
