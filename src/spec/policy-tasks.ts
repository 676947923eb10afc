/** The policy's `tasks`. */
import { z } from 'zod'
import { COMPLEXITIES, PARTITIONS, TASK_KINDS } from './decision.ts'
import { LABEL_SOURCES } from './label.ts'
import { assistSchema } from './policy-assist.ts'
import { barsSchema } from './policy-bars.ts'
import { agreementSchema, judgeSchema, qualitySchema, stopCheckSchema } from './policy-gates.ts'
import { adapterSchema } from './policy-models.ts'
import { defaultPattern, patternSchema } from './policy-patterns.ts'
import { duration, residencies } from './policy-values.ts'
import { verifySchema } from './policy-verify.ts'

const slot = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value))

const shots = z.array(z.strictObject({ input: z.string(), output: z.string() })).max(32)
const version = z.string().max(64).optional().describe('A name for this wording; stands in the audit beside its hash.')

const promptSchema = z.strictObject({
  system: z.string().optional().describe("The local model's own instruction for this task."),
  shots: shots.default([]).describe('Worked examples for the local model.'),
  version,
  byModel: z
    .record(z.string(), z.strictObject({ system: z.string().optional(), shots: shots.optional(), version }))
    .default({})
    .describe('Another wording for one model, by its name in `models`; what it leaves out stays.'),
})

const gateSchema = z.strictObject({
  refusal: z.boolean().default(true).describe('Reject answers that refuse.'),
  equations: z
    .boolean()
    .default(true)
    .describe('Reject answers that state an equation which exact arithmetic refutes (`disagreement`).'),
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

const framePieces = z.array(z.string().min(1)).min(1).max(16).optional()

export const stageSchema = z.union([
  z.enum(['off', 'shadow', 'accept']),
  z.strictObject({
    canary: z.strictObject({
      percent: z.number().min(0).max(100).default(0),
      groups: z.array(z.string()).default([]),
      tenants: z.array(z.string()).default([]),
    }),
  }),
])

const taskKeys = z.strictObject({
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
      system: framePieces.describe(
        'Pieces that stand in this order in the system prompt, for one that says the date or a name as well.',
      ),
      user: framePieces.describe('Pieces that stand in this order in what the last person said.'),
      tools: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('The names of the tools that the request offers, all of them and no others, in any order.'),
    })
    .optional()
    .describe('How an untyped request becomes this task.'),
  action: z.string().optional().describe('An entry of routing.actions whose complexity this task has.'),
  complexity: z.enum(COMPLEXITIES).optional(),
  pattern: patternSchema,
  critical: z
    .boolean()
    .default(false)
    .describe(
      'No single model decides alone: without a `pattern` of its own the task has consensus in place of cascade.',
    ),
  local: z
    .union([z.literal(false), slot])
    .optional()
    .describe(
      'Models or tiers that may answer locally, first choice first, of a tier one that is loaded first; false: frontier only.',
    ),
  frontier: z
    .union([z.literal(false), slot])
    .optional()
    .describe('Models or tiers to escalate to; false: never leaves this machine.'),
  hedgeAfter: duration
    .optional()
    .describe(
      'Without a word of the frontier for this long the next key, region or model is asked as well; whoever says the first word answers, the other is stopped, both are paid. Off without it.',
    ),
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
      maxErrorRate: z
        .number()
        .min(0.001)
        .max(0.5)
        .optional()
        .describe(
          'Greatest share of wrong answers among those accepted. With it, `spillway calibrate` proves a threshold.',
        ),
      confidence: z
        .number()
        .min(0.5)
        .max(0.999)
        .default(0.95)
        .describe('How surely the bound holds: over all fits of a task it fails with at most 1 minus this.'),
      auditRate: z
        .number()
        .min(0)
        .max(1)
        .default(0.02)
        .describe(
          'With maxErrorRate, prior or pattern buddy: share of requests that both models answer whatever gates and prior say, for labels.',
        ),
      labels: z
        .enum(LABEL_SOURCES)
        .default('frontier')
        .describe(
          'Least sure source whose labels count: gold, human, test, frontier, thumbs. The bound is against it.',
        ),
      labelMaxAgeDays: z
        .number()
        .positive()
        .default(90)
        .describe('A bound whose newest label is older than this does not count any more (`uncalibrated`).'),
    })
    .prefault({}),
  gates: gateSchema.prefault({}),
  agreement: agreementSchema
    .optional()
    .describe('In the grey zone, other answers to the same question must agree with the answer.'),
  judge: judgeSchema.optional().describe('In the grey zone, a model is asked whether the answer is correct.'),
  quality: qualitySchema
    .optional()
    .describe('A weighted check of format, completeness, coherence and self-critique; for tasks without labels.'),
  assist: assistSchema
    .optional()
    .describe('Long texts are made shorter on this machine before a frontier reasons about them; part of any pattern.'),
  verify: verifySchema
    .optional()
    .describe(
      'Objective checks of an answer: expressions, syntax, citations, a command. `check_failed` when one fails.',
    ),
  stopCheck: stopCheckSchema
    .optional()
    .describe(
      'A second look at requests in which no hard-stop term stands: a local model says yes or no. It only adds stops.',
    ),
  learn: z
    .strictObject({
      keep: z
        .enum(['none', 'text'])
        .default('none')
        .describe(
          'text: the input of every request but local_only ones stays on this machine, secrets masked, so that `spillway heads fit` and priors can learn from it.',
        ),
      days: z.number().positive().default(90).describe('Older examples are deleted.'),
      maxExamples: z.number().int().min(100).default(5000).describe('Only the newest so many are kept.'),
    })
    .prefault({})
    .describe('What the task learns from its own traffic.'),
  novel: z
    .strictObject({
      maxFalseStopRate: z
        .number()
        .min(0.002)
        .max(0.5)
        .default(0.05)
        .describe('Greatest share of ordinary inputs that may be stopped as novel.'),
      minExamples: z
        .number()
        .int()
        .min(40)
        .default(200)
        .describe('Kept examples without which nothing is stopped: `no history yet`.'),
    })
    .optional()
    .describe(
      "Stops inputs unlike the task's kept examples, or whose nearest examples have conflicting answers (`hard_stop_novel`). Needs `learn.keep: text`.",
    ),
  prior: z
    .strictObject({
      margin: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('Share of the mean time to the answer that skipping must save, lower end of the interval.'),
      maxLost: z
        .number()
        .min(0.001)
        .max(0.5)
        .default(0.02)
        .describe('Greatest share of requests that are skipped although the local answer would have been accepted.'),
    })
    .optional()
    .describe(
      'A guess, before any call, of whether a local answer would be accepted; hopeless local calls are skipped once `spillway prior fit` has shown that it pays. It never accepts.',
    ),
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
  rank: z
    .strictObject({
      keep: z.number().int().positive().optional().describe('Items to keep at most.'),
      minScore: z.number().min(0).max(1).default(0).describe('Items below this are not kept.'),
    })
    .prefault({})
    .describe('rank: which items the answer keeps.'),
  allowCodeChange: z
    .boolean()
    .default(false)
    .describe('Whether requests under this task may ask for code changes; always true for kind code.'),
  impact: z
    .enum(['low', 'medium', 'high'])
    .default('low')
    .describe('high: only a frontier may answer (`policy_requires_frontier`).'),
  irreversible: z.boolean().default(false).describe('The outcome carries approvalRequired.'),
  adapter: adapterSchema
    .optional()
    .describe('A LoRA adapter for this task, in place of the one of the embedded model; loaded beside it.'),
  partition: z.enum(PARTITIONS).optional().describe('Tightens the default partition for this task.'),
  residency: residencies.optional().describe('As privacy.residency, for this task; a frontier has to satisfy both.'),
  anonymise: z
    .boolean()
    .default(false)
    .describe(
      'Whether a request that is local_only for nothing but what privacy.localOnly.detect found may go to a frontier with all private data that is known by its form taken out, and put back in the answer.',
    ),
  evalSet: z
    .string()
    .min(1)
    .optional()
    .describe('Questions with right answers, JSON Lines beside the policy file, for `spillway eval`.'),
  bars: barsSchema.optional().describe('What `spillway eval` must find for this task; missed: exit code 6.'),
  reason: z.string().optional().describe('Why the task is routed this way, for readers of the policy.'),
  batch: z
    .strictObject({
      pack: z
        .number()
        .int()
        .min(1)
        .max(10)
        .default(1)
        .describe(
          'Rows whose texts share one prompt of a local model that writes its answer. Each answer passes the gates alone; a row whose answer is missing or rejected is asked again by itself. It costs accuracy: `npm run bench:batch` measures how much.',
        ),
    })
    .prefault({})
    .describe('In `spillway batch run`.'),
  onUnavailable: z
    .union([z.enum(['local', 'error']), z.strictObject({ queue: z.strictObject({ maxWait: duration }) })])
    .default('local')
    .describe(
      'When the frontier cannot be reached: the local answer marked degraded, an error, or wait. Where only a local model may answer and its queue is full: wait or an error.',
    ),
})

/** One entry of `tasks`. */
export const taskSchema = taskKeys.transform((task) => ({ ...task, pattern: task.pattern ?? defaultPattern(task) }))
