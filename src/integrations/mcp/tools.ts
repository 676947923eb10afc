/** The tools of `spillway mcp`. */
import { z } from 'zod'
import type { AuditRecord } from '../../spec/audit.ts'
import { PARTITIONS } from '../../spec/decision.ts'
import { RouterError } from '../../spec/errors.ts'
import { METRICS_SINCE, type MetricsReport } from '../../spec/metrics.ts'
import { REASON_TEXTS } from '../../spec/reason-texts.ts'
import type { RequestMetadata, RouterRequest } from '../../spec/request.ts'
import { answerFinding, answerSchema, decisionFinding, decisionSchema } from './answer.ts'
import { type McpTool, mcpTool } from './tool.ts'

const about = {
  task: z.string().min(1).optional().describe('A task of the policy; without one the default task.'),
  conversation: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the conversation: it stays as private as its most private request was.'),
  documents: z
    .array(z.string().min(1))
    .optional()
    .describe('Paths of the files that the text came from; the policy may keep some of them on this machine.'),
}

const question = {
  prompt: z.string().min(1).describe('What is asked, with all the text that it is about.'),
  system: z.string().min(1).optional().describe('How to answer.'),
  maxOutputTokens: z.number().int().min(1).max(100_000).optional(),
  ...about,
}

const partition = z
  .enum(PARTITIONS)
  .optional()
  .describe('How private the text is; may only tighten what the policy says.')

const askLocal = mcpTool({
  name: 'ask_local',
  title: 'Ask the local model',
  description:
    'Answers with a small model on this machine. The text never leaves the machine and the answer costs nothing. Good for short, ' +
    'simple or private work: summaries, rewording, extraction, first drafts. Fails with a reason where the policy lets no local model ' +
    'answer, for example after a hard stop.',
  input: z.strictObject(question),
  output: answerSchema,
  readsOnly: false,
  reachesOut: false,
  run: async (input, { router }, signal) =>
    answerFinding(await router.complete(requestOf(input, { partition: 'local_only' }), { signal })),
})

const askAdvisor = mcpTool({
  name: 'ask_advisor',
  title: 'Ask the frontier model',
  description:
    'Asks the strongest model that the policy allows, which is usually hosted elsewhere and costs money. For hard questions, plans and ' +
    'reviews. Secrets are masked before the text leaves, budgets hold, and text that is local_only is refused.',
  input: z.strictObject({ ...question, partition }),
  output: answerSchema,
  readsOnly: false,
  reachesOut: true,
  run: async ({ partition: wanted, ...input }, { router }, signal) => {
    const request = requestOf(input, wanted ? { partition: wanted } : {})
    return answerFinding(await router.complete({ ...request, override: 'frontier' }, { signal }))
  },
})

const decide = mcpTool({
  name: 'decide',
  title: 'Decide between labels',
  description:
    'Chooses one label for a text and says how probable each label is, read from the distribution of the local model; the policy ' +
    'decides when a frontier is asked in its place. For classification, routing, yes or no. Give options, or a task that has labels.',
  input: z.strictObject({
    input: z.string().min(1).describe('The text to decide about.'),
    options: z
      .array(z.string().min(1))
      .min(2)
      .max(100)
      .optional()
      .describe("The labels to choose from. Default: the task's."),
    instruction: z.string().min(1).optional().describe('What is to be decided.'),
    ...about,
    partition,
  }),
  output: decisionSchema,
  readsOnly: false,
  reachesOut: true,
  run: async ({ input, options, instruction, task, partition: wanted, ...more }, { router }, signal) => {
    const outcome = await router.decide(
      {
        input,
        ...(task !== undefined && { task }),
        ...(options && { options }),
        ...(instruction !== undefined && { instruction }),
        metadata: metadataOf({ task, ...more }, wanted ? { partition: wanted } : {}),
      },
      { signal },
    )
    return decisionFinding(outcome)
  },
})

const explainRoute = mcpTool({
  name: 'explain_route',
  title: 'Explain a decision',
  description:
    'Says in words why a request went where it went: what was known, what was removed, who was asked, what every gate said, what it ' +
    'cost. Holds no text of the request. Takes the requestId that every answer of Spillway carries.',
  input: z.strictObject({ requestId: z.string().min(1) }),
  output: z.object({
    requestId: z.string(),
    route: z.string(),
    reason: z.string(),
    outcome: z.string(),
    lines: z.array(z.string()),
    record: z.looseObject({}).describe('The audit record.'),
  }),
  readsOnly: true,
  reachesOut: false,
  run: async ({ requestId }, { router, explain }) => {
    const record = recordOf(requestId, router.audit({ requestId, limit: 1 }))
    const { route, reason, outcome } = record
    const lines = [...explain(record), ...(reason in REASON_TEXTS ? [`meaning    ${sentenceOf(record)}`] : [])]
    return { content: { requestId, route, reason, outcome, lines, record }, text: lines.join('\n') }
  },
})

const stats = mcpTool({
  name: 'stats',
  title: 'Figures of the router',
  description:
    'How routing does: requests, the share that stayed local, escalations and their reasons, known wrong answers, latency, cost.',
  input: z.strictObject({
    since: z.string().min(1).default(METRICS_SINCE).describe('A span such as 15m, 24h or 7d, or a date.'),
    task: z.string().min(1).optional().describe('Only this task.'),
  }),
  output: z.looseObject({ since: z.string(), until: z.string(), all: z.looseObject({ requests: z.number() }) }),
  readsOnly: true,
  reachesOut: false,
  run: async ({ since, task }, { metrics }) => {
    const report = await metrics({ since, task: task ?? null })
    return { content: { ...report }, text: statsText(report) }
  },
})

export const MCP_TOOLS: readonly McpTool[] = [askLocal, askAdvisor, decide, explainRoute, stats]

interface About {
  readonly task?: string | undefined
  readonly conversation?: string | undefined
  readonly documents?: readonly string[] | undefined
}

interface Asked extends About {
  readonly prompt: string
  readonly system?: string | undefined
  readonly maxOutputTokens?: number | undefined
}

function requestOf({ prompt, system, maxOutputTokens, ...more }: Asked, own: RequestMetadata): RouterRequest {
  return {
    messages: [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      { role: 'user', content: prompt },
    ],
    metadata: metadataOf(more, own),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  }
}

function metadataOf({ task, conversation, documents }: About, own: RequestMetadata): RequestMetadata {
  return {
    ...(task !== undefined && { task }),
    ...(conversation !== undefined && { conversation }),
    ...(documents && { documents }),
    ...own,
  }
}

function recordOf(requestId: string, [record]: readonly AuditRecord[]): AuditRecord {
  if (record) return record
  const fix = 'Take the requestId of an earlier answer; `spillway audit tail` lists the latest.'
  throw new RouterError('not_found', { subject: 'request', value: requestId, fix })
}

function sentenceOf({ reason }: AuditRecord): string {
  return REASON_TEXTS[reason as keyof typeof REASON_TEXTS]
}

function statsText({ since, until, all, tasks }: MetricsReport): string {
  const percent = (rate: number | null): string => (rate === null ? '-' : `${(rate * 100).toFixed(1)} %`)
  const usd = (value: number | null): string => (value === null ? 'unknown' : `$${value.toFixed(6)}`)
  const lines = [...tasks, ...(tasks.length === 1 ? [] : [all])].map(
    ({ name, requests, localAcceptance, escalation, localDefects, cost }) =>
      `${name}: ${requests} requests, ${percent(localAcceptance.rate)} local, ${percent(escalation.rate)} to a frontier, ` +
      `${localDefects.wrong} of ${localDefects.labelled} labelled answers wrong, ${usd(cost.totalUsd)} in all, ` +
      `${usd(cost.perSuccessUsd)} a success`,
  )
  return [`${since} to ${until}`, ...lines].join('\n')
}
