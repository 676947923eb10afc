/**
 * The policy: plain data, one schema. Types, defaults, reference docs and the JSON Schema for editors all come from
 * here and the files it joins. Every key has an effect; unknown keys are errors.
 */
import { z } from 'zod'
import { COMPLEXITIES, PARTITIONS, TIERS } from './decision.ts'
import { DEFAULT_HARD_STOPS, type HardStopTerm } from './hard-stops.ts'
import type { Lane } from './lanes.ts'
import type { LoadedPlugin } from './plugin.ts'
import { auditSchema } from './policy-audit.ts'
import { barsSchema } from './policy-bars.ts'
import { budgetsSchema } from './policy-budgets.ts'
import { costsSchema } from './policy-costs.ts'
import { batchesSchema, limitsSchema, responsesSchema } from './policy-limits.ts'
import { mcpSchema } from './policy-mcp.ts'
import { modelSchema } from './policy-models.ts'
import { networkSchema } from './policy-network.ts'
import { pluginsSchema } from './policy-plugins.ts'
import { reviewSchema } from './policy-review.ts'
import { taskSchema } from './policy-tasks.ts'
import { telemetrySchema } from './policy-telemetry.ts'
import { duration, residencies } from './policy-values.ts'
import { PRIVATE_KINDS } from './private-kinds.ts'
import type { TlsFiles } from './tls.ts'

const deadlineKeys = (firstByteMs: number, totalMs: number) => ({
  connect: duration.default(3000),
  firstByte: duration.default(firstByteMs),
  idle: duration.default(30_000),
  total: duration.default(totalMs),
})

const frontierDeadlines = z.strictObject(deadlineKeys(30_000, 180_000)).prefault({})

const localDeadlines = (firstByteMs: number, totalMs: number) =>
  z
    .strictObject({
      load: duration
        .default(120_000)
        .describe('Embedded only: until the model is loaded; the other deadlines start then.'),
      ...deadlineKeys(firstByteMs, totalMs),
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
  tenants: z
    .record(
      z.string(),
      z.union([
        z.enum(PARTITIONS).transform((partition) => ({ partition })),
        z.strictObject({
          partition: z.enum(PARTITIONS).optional().describe('Tightens the default partition for the tenant.'),
          residency: residencies
            .optional()
            .describe('As privacy.residency, for the tenant; a frontier has to satisfy both.'),
        }),
      ]),
    )
    .default({})
    .describe('What holds for a tenant: its partition alone, or { partition, residency }.'),
  residency: residencies
    .optional()
    .describe(
      'Residencies (one or a list) of frontiers that text may go to unless it is public. Without it every frontier of the policy.',
    ),
  destinations: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Hosts, with their port where it is not the usual one, that text may go to unless it is public. Without it those of all frontiers of the policy.',
    ),
  mcpHosts: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Hosts, with their port where it is not 443, of servers that a request may have a provider call (mcp_servers). Any other is refused.',
    ),
  conversationMemory: duration
    .default(2_592_000_000)
    .describe(
      'How long a conversation stays as private as its most private request was; counted from the last such, to a hundredth of the time.',
    ),
  redact: z
    .array(z.enum(PRIVATE_KINDS))
    .default(['secret'])
    .describe('Masked before anything leaves, and put back in the answer; secrets are masked always.'),
  localOnly: z
    .strictObject({
      paths: z
        .array(z.string())
        .default([])
        .describe('Globs over metadata.documents; a match makes the request local_only.'),
      detect: z
        .array(z.enum(PRIVATE_KINDS))
        .default([])
        .describe('Kinds of private data that make a request local_only wherever they stand in it.'),
      detectWithin: duration
        .default(1000)
        .describe('Detectors that take longer over a request have failed, and it is local_only.'),
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
  plugins: pluginsSchema,
  defaults: z
    .strictObject({ task: z.string().optional().describe('Task of requests that name none and match none.') })
    .prefault({}),
  hardStops: hardStopSchema.prefault({}),
  privacy: privacySchema.prefault({}),
  routing: routingSchema.prefault({}),
  network: networkSchema,
  deadlines: z
    .strictObject({
      local_fast: localDeadlines(20_000, 60_000),
      local_quality: localDeadlines(20_000, 180_000),
      frontier: frontierDeadlines,
    })
    .prefault({}),
  budgets: budgetsSchema.prefault({}).describe('Ceilings for what frontiers cost.'),
  costs: costsSchema.prefault({}).describe('What local answers cost, for `spillway cost summary`.'),
  killSwitch: z
    .strictObject({
      inFlight: z
        .enum(['finish', 'cancel'])
        .default('finish')
        .describe('What an order does to a call that is under way: it ends by itself, or it is broken off.'),
    })
    .prefault({})
    .describe('Orders of `spillway kill`.'),
  bars: barsSchema.optional().describe('What `spillway eval` must find over all rows; missed: exit code 6.'),
  cache: z
    .strictObject({
      exact: z.boolean().default(false).describe('Give the same answer to the same request again.'),
      semantic: z
        .boolean()
        .default(false)
        .describe('Also to a question that says the same in slightly other words; open tasks only.'),
      similarity: z
        .number()
        .min(0.5)
        .max(1)
        .default(0.9)
        .describe('Semantic only: how alike the letters of two questions must be whose words are the same.'),
      ttl: duration.default(3_600_000).describe('How long an answer is given again.'),
      maxEntries: z.number().int().min(1).max(1_000_000).default(1000).describe('Answers kept in memory.'),
    })
    .prefault({})
    .describe('Answers are kept in memory, apart for each tenant, policy and model; private requests never.'),
  latencyTargetMs: z
    .strictObject({
      local_fast: z.number().positive().default(200),
      local_quality: z.number().positive().default(2000),
      frontier: z.number().positive().default(5000),
    })
    .prefault({})
    .describe('Reported against p50 and p95 by `spillway audit show --latency`.'),
  memory: z
    .strictObject({
      maxLocalMb: z
        .number()
        .int()
        .positive()
        .optional()
        .describe(
          'Embedded models may take this much together; idle ones are unloaded for a load that needs the room.',
        ),
      keepFreeMb: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe(
          'Memory that loading an embedded model must leave free; without it the request goes to the next tier.',
        ),
    })
    .prefault({})
    .describe('In MB of 1,000,000 bytes.'),
  audit: auditSchema.prefault({}),
  telemetry: telemetrySchema
    .prefault({})
    .describe('Spans of OpenTelemetry, where a provider is registered in the process.'),
  review: reviewSchema.prefault({}).describe('Requests that nobody may answer, until a person has decided.'),
  mcp: mcpSchema.prefault({}).describe('What tool servers may ask of `spillway mcp proxy`.'),
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
      limits: limitsSchema,
      responses: responsesSchema,
      batches: batchesSchema,
    })
    .prefault({}),
})

/** The settings of a task that sets nothing. */
export const DEFAULT_TASK: TaskPolicy = taskSchema.parse({})

export type Policy = z.output<typeof policySchema>
export type PolicyInput = z.input<typeof policySchema>
export type TaskPolicy = Policy['tasks'][string]
export type ModelPolicy = Policy['models'][string]
export type TelemetryPolicy = Policy['telemetry']
export type StagePolicy = NonNullable<TaskPolicy['stage']>

/** Labelled texts to fit a task's head on. */
export interface HeadExampleSet {
  readonly options: readonly string[]
  readonly rows: readonly { readonly text: string; readonly label: string }[]
  /** `sha256:` of options and rows. */
  readonly digest: string
}

/** Pairs of texts with how alike they are, to fit the head of a `similarity` task on. */
export interface PairExampleSet {
  readonly rows: readonly { readonly left: string; readonly right: string; readonly score: number }[]
  /** `sha256:` of the rows. */
  readonly digest: string
}

/** What a policy's reference to another server leads to. */
export interface Connection {
  /** The environment variable. */
  readonly variable: string
  /** Its value; null when it is not set. Never logged, never in the digest. */
  readonly url: string | null
}

/** Texts that must not stop, for a task's `stopCheck`. */
export interface HarmlessTexts {
  readonly texts: readonly string[]
  /** `sha256:` of the texts. */
  readonly digest: string
}

/** A validated policy with what was found while reading it. */
export interface LoadedPolicy {
  readonly policy: Policy
  /** `sha256:` over the validated policy, keys resolved away; equal digests mean equal behaviour. */
  readonly digest: string
  readonly file: string
  /** Models none of whose `${env:NAME}` keys is set: the first such name, by model name. */
  readonly missingKeys: Readonly<Record<string, string>>
  /** The examples of every task with a head, by task name. */
  readonly heads: ReadonlyMap<string, HeadExampleSet>
  /** The same for tasks of kind `similarity`. */
  readonly pairs: ReadonlyMap<string, PairExampleSet>
  /** The ways to each model, by its name; none for one in `missingKeys`. */
  readonly lanes: ReadonlyMap<string, readonly Lane[]>
  /** Certificates and keys of the models that name some, by model name. */
  readonly tls: ReadonlyMap<string, TlsFiles>
  /** The harmless texts of every task with a `stopCheck` that names some, by task name. */
  readonly harmless: ReadonlyMap<string, HarmlessTexts>
  /** Of `plugins`, in their order. */
  readonly plugins: readonly LoadedPlugin[]
  /** `audit.postgres.url`, `gateway.limits.shared.url` and `review.webhook.secret`; null where the policy has none. */
  readonly connections: {
    readonly postgres: Connection | null
    readonly valkey: Connection | null
    readonly webhook: { readonly variable: string; readonly secret: string | null } | null
  }
}
