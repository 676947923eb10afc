/** An outcome of the router as a tool tells it. */
import { z } from 'zod'
import { REASONS, ROUTES, TIERS } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import type { DecideOutcome, Outcome } from '../../spec/response.ts'
import type { ToolFinding } from './tool.ts'

const told = {
  requestId: z.string().describe('For explain_route.'),
  route: z.enum(ROUTES),
  reason: z.enum(REASONS),
  why: z.string().describe('The reason as a sentence.'),
  model: z.string().nullable().describe('Null when no model gave the answer.'),
  tier: z.enum(TIERS).nullable(),
  degraded: z.boolean().describe('It stands in for an answer that could not be had.'),
  proven: z.boolean().describe('An error bound is proven for local answers of the task.'),
  approvalRequired: z.boolean().describe('A person has to agree before anybody acts on the answer.'),
  costUsd: z.number().nullable().describe('US dollars; null when unknown.'),
  latencyMs: z.number(),
}

export const answerSchema = z.object({ answer: z.string(), ...told })

export const decisionSchema = z.object({
  value: z.string().describe('The chosen label.'),
  options: z
    .array(z.object({ value: z.string(), probability: z.number() }))
    .nullable()
    .describe('Probability of every label, most probable first; null when a model wrote the label.'),
  ...told,
})

/** @throws RouterError held_for_human: nobody may answer */
export function answerFinding(outcome: Outcome): ToolFinding {
  const answer = given(outcome.answer, outcome)
  const content = { answer, ...toldOf(outcome) } satisfies z.output<typeof answerSchema>
  return { content, text: `${answer}\n\n${footnote(outcome)}` }
}

/** @throws RouterError held_for_human: nobody may decide */
export function decisionFinding(outcome: DecideOutcome): ToolFinding {
  const value = given(outcome.value, outcome)
  const options = outcome.options?.map((one) => ({ value: one.value, probability: one.probability })) ?? null
  const content = { value, options, ...toldOf(outcome) } satisfies z.output<typeof decisionSchema>
  const shares = options?.map((one) => `${one.value} ${one.probability.toFixed(3)}`).join(', ')
  return { content, text: [value, ...(shares ? [shares] : []), '', footnote(outcome)].join('\n') }
}

function given(found: string | null, outcome: Outcome): string {
  if (found !== null) return found
  const { requestId } = outcome
  const fix = `Ask a person, or ask otherwise; explain_route with requestId ${requestId} says more.`
  throw new RouterError('held_for_human', { requestId, reason: whyNobody(outcome).replace(/\.$/, ''), fix })
}

function whyNobody({ answer, decision, removals, verdicts }: Outcome): string {
  // A label was asked for, and something else came.
  if (answer !== null) return `The answer of ${decision.model ?? 'the model'} is none of the labels.`
  const removed = removals.filter(({ set }) => set === 'serve').map(({ detail }) => detail)
  const rejected = verdicts.filter(({ accepted }) => !accepted).map(({ detail }) => detail)
  const details = [...new Set([...removed, ...rejected])]
  return details.length === 0 ? REASON_TEXTS[decision.reason] : details.join(' ')
}

function toldOf({ requestId, decision, approvalRequired, costUsd, latencyMs }: Outcome) {
  const { route, reason, model, tier, degraded, proven } = decision
  const why = REASON_TEXTS[reason]
  return { requestId, route, reason, why, model, tier, degraded, proven, approvalRequired, costUsd, latencyMs }
}

/** `[local by small: A local model answered and its gates accepted. No error bound is proven. request 01…]` */
function footnote({ requestId, decision, approvalRequired }: Outcome): string {
  const { route, reason, model, degraded, proven } = decision
  const parts = [
    `${route}${model === null ? '' : ` by ${model}`}: ${REASON_TEXTS[reason]}`,
    ...(degraded ? ['It stands in for one that could not be had.'] : []),
    ...(route === 'local' && !proven ? ['No error bound is proven for it.'] : []),
    ...(approvalRequired ? ['Ask a person before acting on it.'] : []),
    `Request ${requestId}.`,
  ]
  return `[${parts.join(' ')}]`
}
