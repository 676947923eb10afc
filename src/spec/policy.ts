/**
 * The policy: plain data, one schema. Types, defaults, reference docs and the JSON Schema for editors all come from
 * here. Every key has an effect; unknown keys are errors.
 */
import { z } from 'zod'
import { COMPLEXITIES, PARTITIONS, PATTERNS, TASK_KINDS, TIERS } from './decision.ts'
import { DEFAULT_HARD_STOPS, type HardStopTerm } from './hard-stops.ts'

/** `500`, `"500ms"`, `"30s"`, `"5m"`, `"2h"` to milliseconds. */
const duration = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(ms|s|m|h)$/, 'is not a duration such as 500ms, 30s, 5m or 2h'),
  ])
  .transform((value) => (typeof value === 'number' ? value : parseDuration(value)))

const slot = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value))

const modelSchema = z.strictObject({
  provider: z
    .enum(['embedded', 'openai', 'anthropic'])
    .describe(
      'embedded: the engine of this package. openai: any server with an OpenAI-compatible API. anthropic: the Messages API.',
    ),
  preset: z
    .string()
    .optional()
    .describe(
      'A provider preset by name: base URL, key variable and jurisdiction (see `spillway models list --presets`).',
    ),
  model: z.string().describe('The model id at the provider, or the catalogue name of an embedded model.'),
  tier: z.enum(TIERS).describe('What the model is for. `frontier` models are only reached through the egress door.'),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Base URL of the API, for example http://127.0.0.1:8080/v1.'),
  apiKey: z.string().optional().describe('Only as "${env:NAME}". When NAME is not set the model is unavailable.'),
  path: z.string().optional().describe('Embedded only: a GGUF file to use instead of the catalogue.'),
  contextTokens: z
    .number()
    .int()
    .min(256)
    .max(1_048_576)
    .default(4096)
    .describe('Embedded only: the context window in tokens; longer inputs are refused.'),
  threads: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Embedded only. Default: physical cores minus one, at least 1.'),
  idleUnload: duration.default(300_000).describe('Embedded only: unload after this long without a request.'),
  maxOutputTokens: z.number().int().min(1).default(1024).describe('Cap of an answer when the caller sets none.'),
  priceUsdPerMillion: z
    .strictObject({ input: z.number().min(0), output: z.number().min(0) })
    .optional()
    .describe('Overrides the price table. Without a price the cost is unknown (null), never 0.'),
})

const promptSchema = z.strictObject({
  system: z.string().optional().describe("The local model's own instruction for this task."),
  shots: z
    .array(z.strictObject({ input: z.string(), output: z.string() }))
    .max(32)
    .default([])
    .describe('Worked examples for the local model.'),
})

const gateSchema = z.strictObject({
  refusal: z.boolean().default(true).describe('Reject answers that refuse.'),
  length: z
    .strictObject({ minChars: z.number().int().min(0).default(1), maxChars: z.number().int().positive().optional() })
    .optional()
    .describe('Reject answers outside these lengths (`incomplete`).'),
  entropyNats: z
    .number()
    .positive()
    .nullable()
    .default(0.8)
    .describe('Reject text when the mean token entropy may exceed this (nats). null switches the gate off.'),
  safetyClass: z.array(z.string()).default([]).describe('Reject answers that hold one of these terms as a whole word.'),
})

const stageSchema = z.union([
  z.enum(['off', 'shadow', 'accept']),
  z.strictObject({
    canary: z.strictObject({
      percent: z.number().min(0).max(100).default(0),
      groups: z.array(z.string()).default([]),
      tenants: z.array(z.string()).default([]),
    }),
  }),
])

const taskSchema = z.strictObject({
  description: z.string().optional(),
  kind: z.enum(TASK_KINDS).default('text').describe('The shape of the answer.'),
  labels: z.array(z.string().min(1)).min(2).max(64).optional().describe('choice: the closed set of answers.'),
  escalateLabels: z.array(z.string()).default([]).describe('Labels that a local model may not settle.'),
  range: z
    .strictObject({ min: z.number().int(), max: z.number().int() })
    .optional()
    .describe('score: the integers from min to max.'),
  schema: z.record(z.string(), z.unknown()).optional().describe('JSON Schema the answer must satisfy.'),
  render: z.string().optional().describe('Shape of a typed answer for the caller; `{value}` stands for the option.'),
  match: z
    .strictObject({
      words: z.array(z.string()).default([]).describe('Whole terms in the last user message.'),
      systemHash: z.string().optional().describe('sha256 of the system prompt, as `spillway route --json` prints it.'),
      model: z.string().optional().describe('The model name the client sent.'),
    })
    .optional()
    .describe('How an untyped request becomes this task.'),
  action: z.string().optional().describe('An entry of routing.actions whose complexity this task has.'),
  complexity: z.enum(COMPLEXITIES).optional(),
  pattern: z.enum(PATTERNS).default('cascade'),
  local: z
    .union([z.literal(false), slot])
    .optional()
    .describe('Models or tiers that may answer locally, first choice first; false: frontier only.'),
  frontier: z
    .union([z.literal(false), slot])
    .optional()
    .describe('Models or tiers to escalate to; false: never leaves this machine.'),
  stage: stageSchema
    .optional()
    .describe('off | shadow | canary | accept. Default: shadow when a frontier is configured, accept when none is.'),
  maxInputChars: z
    .number()
    .int()
    .positive()
    .default(8000)
    .describe('Longer inputs are not given to the local model (`input_too_large`).'),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('Least probability of a typed decision while no calibrator is fitted.'),
  accept: z
    .strictObject({
      uncalibrated: z
        .boolean()
        .default(false)
        .describe('Accept on plain thresholds before a bound is proven; every such answer is marked proven: false.'),
    })
    .prefault({}),
  gates: gateSchema.prefault({}),
  prompt: promptSchema.prefault({}),
  head: z
    .strictObject({
      examples: z
        .string()
        .min(1)
        .describe(
          'JSON Lines of {"text", "label"}, at least 3 of each label, beside the policy file; or `shipped:classify-issue`.',
        ),
    })
    .optional()
    .describe('choice, boolean: a classifier over the local model, trained in process from labelled examples.'),
  allowCodeChange: z
    .boolean()
    .default(false)
    .describe('Whether requests under this task may ask for code changes; always true for kind code.'),
  impact: z
    .enum(['low', 'medium', 'high'])
    .default('low')
    .describe('high: only a frontier may answer (`policy_requires_frontier`).'),
  irreversible: z.boolean().default(false).describe('The outcome carries approvalRequired.'),
  partition: z.enum(PARTITIONS).optional().describe('Tightens the default partition for this task.'),
  reason: z.string().optional().describe('Why the task is routed this way, for readers of the policy.'),
  onUnavailable: z
    .union([z.enum(['local', 'error']), z.strictObject({ queue: z.strictObject({ maxWait: duration }) })])
    .default('local')
    .describe('When the frontier cannot be reached: the local answer marked degraded, an error, or wait.'),
})

const deadlineSchema = (firstByteMs: number, totalMs: number) =>
  z
    .strictObject({
      connect: duration.default(3000),
      firstByte: duration.default(firstByteMs),
      idle: duration.default(30_000),
      total: duration.default(totalMs),
    })
    .prefault({})

const DEFAULT_ACTIONS = {
  classify_memory: 'simple',
  extract_topic: 'simple',
  yes_no_decision: 'simple',
  read_file: 'simple',
  list_files: 'simple',
  edit_file: 'moderate',
  write_memory: 'moderate',
  consolidate: 'moderate',
  spawn_daemon: 'complex',
  debug_error: 'complex',
  multi_file_refactor: 'complex',
} as const

const routingSchema = z.strictObject({
  preferLocal: z.boolean().default(true).describe('moderate work: local_quality when true, frontier when false.'),
  maxFallbackAttempts: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe('Further tries after the first failed call, over all models of an actor.'),
  actions: z.record(z.string(), z.enum(COMPLEXITIES)).default(DEFAULT_ACTIONS).describe('Complexity of known actions.'),
  qualityCriticalActions: z
    .array(z.string())
    .default(['spawn_daemon', 'exec'])
    .describe('Only a frontier may answer these (`quality_critical`).'),
  codeChangeActions: z
    .array(z.string())
    .default(['edit_file', 'multi_file_refactor'])
    .describe('Actions whose text may ask for code changes.'),
  actionTierOverrides: z
    .record(z.string(), z.enum(TIERS))
    .default({ spawn_daemon: 'frontier', orch_status: 'local_fast' })
    .describe('Beats complexity.'),
  unknownTask: z
    .enum(['error', 'frontier'])
    .default('error')
    .describe('A task name the policy does not know: refuse, or send to a frontier.'),
})

const hardStopTermSchema = z
  .union([
    z.string().min(1),
    z.strictObject({
      term: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
        .describe('One term, or several that share their context.'),
      near: z
        .array(z.string().min(1))
        .optional()
        .describe('The term stops only when one of these stands within 120 characters in the same line.'),
      notNear: z
        .array(z.string().min(1))
        .optional()
        .describe('The term does not stop when one of these stands as near; wins over near.'),
    }),
    z.number().int().transform(String),
  ])
  .describe(
    'Whole words, case-folded, `*` for any letters, digits and _ at an end of a word. A plain term always stops; { term, near, notNear } depends on its line.',
  )

const hardStopList = (defaults: readonly HardStopTerm[]) => z.array(hardStopTermSchema).default(() => [...defaults])

const hardStopSchema = z.strictObject({
  access: hardStopList(DEFAULT_HARD_STOPS.access).describe('Refused or missing access.'),
  security: hardStopList(DEFAULT_HARD_STOPS.security).describe(
    'Leaks, advisories, broken integrity, weakened protection.',
  ),
  production: hardStopList(DEFAULT_HARD_STOPS.production).describe('Live systems and the data of customers.'),
  irreversible: hardStopList(DEFAULT_HARD_STOPS.irreversible).describe('What cannot be undone.'),
  except: z
    .array(z.string().min(1))
    .default([...DEFAULT_HARD_STOPS.except])
    .describe('Phrases in which a term is harmless; a term stops only outside of them.'),
  passingLines: z
    .strictObject({
      starts: z
        .array(z.string().min(1))
        .default([...DEFAULT_HARD_STOPS.passingLines.starts])
        .describe('How the line of a passed test starts.'),
      ends: z
        .array(z.string().min(1))
        .default([...DEFAULT_HARD_STOPS.passingLines.ends])
        .describe('How the line of a passed test ends.'),
    })
    .prefault({})
    .describe('Lines in which a test reporter says that a test passed; no term stops in them.'),
})

const privacySchema = z.strictObject({
  default: z.enum(PARTITIONS).default('internal').describe('Partition of a request that nothing else classifies.'),
  redact: z
    .array(z.enum(['secret', 'email']))
    .default(['secret'])
    .describe('Masked before anything leaves; secrets are masked always.'),
  localOnly: z
    .strictObject({
      paths: z
        .array(z.string())
        .default([])
        .describe('Globs over metadata.documents; a match makes the request local_only.'),
      unproven: z
        .enum(['hold', 'serve_marked'])
        .default('hold')
        .describe('local_only answers before a bound is proven: hold for a human, or serve with proven: false.'),
    })
    .prefault({}),
})

/** The whole policy file. */
export const policySchema = z.strictObject({
  $schema: z.string().optional(),
  models: z.record(z.string().regex(/^[a-z][a-z0-9_-]*$/i, 'is not a plain name'), modelSchema).default({}),
  tasks: z.record(z.string(), taskSchema).default({}),
  defaults: z
    .strictObject({ task: z.string().optional().describe('Task of requests that name none and match none.') })
    .prefault({}),
  hardStops: hardStopSchema.prefault({}),
  privacy: privacySchema.prefault({}),
  routing: routingSchema.prefault({}),
  deadlines: z
    .strictObject({
      local_fast: deadlineSchema(20_000, 60_000),
      local_quality: deadlineSchema(20_000, 180_000),
      frontier: deadlineSchema(30_000, 180_000),
    })
    .prefault({}),
  latencyTargetMs: z
    .strictObject({
      local_fast: z.number().positive().default(200),
      local_quality: z.number().positive().default(2000),
      frontier: z.number().positive().default(5000),
    })
    .prefault({})
    .describe('Reported against p50 and p95 by `spillway audit show --latency`.'),
  audit: z
    .strictObject({
      content: z
        .enum(['none', 'preview'])
        .default('none')
        .describe('preview: at most 240 characters of the input, secrets masked.'),
      durability: z
        .enum(['process', 'power'])
        .default('process')
        .describe('process: survives kill -9. power: the request waits for fdatasync.'),
      onFailure: z.enum(['refuse', 'spool']).default('refuse').describe('When the journal cannot be written.'),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8484),
      unknownModel: z
        .enum(['auto', 'error'])
        .default('auto')
        .describe('A model name the policy does not know: treat it as auto and warn in a header, or answer 404.'),
      maxBodyBytes: z.number().int().min(1024).default(10_485_760),
      headersAfter: duration
        .default(3000)
        .describe('Status and headers of a stream go out at first content or after this long.'),
    })
    .prefault({}),
})

/** The settings of a task that sets nothing. */
export const DEFAULT_TASK: TaskPolicy = taskSchema.parse({})

export type Policy = z.output<typeof policySchema>
export type PolicyInput = z.input<typeof policySchema>
export type TaskPolicy = Policy['tasks'][string]
export type ModelPolicy = Policy['models'][string]
export type StagePolicy = NonNullable<TaskPolicy['stage']>

/** Labelled texts to fit a task's head on. */
export interface HeadExampleSet {
  readonly options: readonly string[]
  readonly rows: readonly { readonly text: string; readonly label: string }[]
  /** `sha256:` of options and rows. */
  readonly digest: string
}

/** A validated policy with what was found while reading it. */
export interface LoadedPolicy {
  readonly policy: Policy
  /** `sha256:` over the validated policy, keys resolved away; equal digests mean equal behaviour. */
  readonly digest: string
  readonly file: string
  /** Models whose `${env:NAME}` key is not set, by model name. */
  readonly missingKeys: Readonly<Record<string, string>>
  /** The examples of every task with a head, by task name. */
  readonly heads: ReadonlyMap<string, HeadExampleSet>
  /** Resolved API keys by model name. Never logged, never in the digest. */
  readonly keys: ReadonlyMap<string, string>
}

function parseDuration(text: string): number {
  const amount = Number.parseInt(text, 10)
  if (text.endsWith('ms')) return amount
  if (text.endsWith('s')) return amount * 1000
  return amount * (text.endsWith('m') ? 60_000 : 3_600_000)
}
