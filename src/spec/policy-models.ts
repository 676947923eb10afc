/** The policy's `models`. */
import { z } from 'zod'
import { TIERS } from './decision.ts'
import { duration, residency } from './policy-values.ts'

/** A GGUF file that changes the weights of a model. */
export const adapterSchema = z.strictObject({
  path: z.string().min(1).describe('A LoRA adapter as GGUF; absolute, or relative to the working directory.'),
  scale: z.number().positive().max(10).default(1).describe('Strength of the adapter; 1 as it was trained.'),
})

/** Packages of the AI SDK whose models can be reached. */
export const SDK_PACKAGES = [
  '@ai-sdk/amazon-bedrock',
  '@ai-sdk/cohere',
  '@ai-sdk/google-vertex',
  '@ai-sdk/openai-compatible',
] as const
export type SdkPackage = (typeof SDK_PACKAGES)[number]

/** Of embedded models and Ollama, where the policy says nothing. */
export const DEFAULT_CONTEXT_TOKENS = 4096

const address = z.url({ protocol: /^https?$/ })

const apiKeys = z
  .union([z.string(), z.array(z.string()).min(1).max(16)])
  .transform((keys) => (typeof keys === 'string' ? [keys] : keys))

/** One entry of `models`. */
export const modelSchema = z.strictObject({
  provider: z
    .enum(['embedded', 'openai', 'azure', 'anthropic', 'ollama', 'ai-sdk', 'mcp-client', 'plugin'])
    .describe(
      'embedded: the engine of this package. openai: any server with an OpenAI-compatible API. azure: a deployment of Azure OpenAI. anthropic: the Messages API. ollama: Ollama through its own API. ai-sdk: a package of the AI SDK, see sdk. mcp-client: the model of the program that runs `spillway mcp`, asked by sampling; text leaves this machine by it, and nowhere else does it exist. plugin: an adapter from `plugins`, see plugin.',
    ),
  preset: z
    .string()
    .optional()
    .describe(
      'A provider preset by name: base URL, key variable and jurisdiction (see `spillway models list --presets`).',
    ),
  model: z
    .string()
    .describe(
      'The model id at the provider, the name of an azure deployment, the catalogue name of an embedded model, or a hint to an mcp-client.',
    ),
  tier: z.enum(TIERS).describe('What the model is for. `frontier` models are only reached through the egress door.'),
  baseUrl: address
    .optional()
    .describe(
      'Base URL of the API, for example http://127.0.0.1:8080/v1. Default for ollama: OLLAMA_HOST, else http://127.0.0.1:11434.',
    ),
  privateNetwork: z
    .boolean()
    .default(false)
    .describe(
      'Whether the host name in baseUrl may resolve to an address of a private network or of this machine. An IP address in baseUrl needs no leave.',
    ),
  tls: z
    .strictObject({
      ca: z.string().min(1).optional().describe("Authorities that are believed in place of the system's, a PEM file."),
      cert: z
        .string()
        .min(1)
        .optional()
        .describe('Certificate that we show, with what leads to its authority, a PEM file.'),
      key: z.string().min(1).optional().describe('Private key of cert without a password, a PEM file.'),
    })
    .optional()
    .describe('Files of a https address; paths are absolute or beside the policy file. Read with the policy.'),
  residency: residency
    .optional()
    .describe(
      'Where a frontier answers and under whose law, a code such as eu, us or self. Default: what is known of the host of a preset; else unknown.',
    ),
  apiKey: apiKeys
    .optional()
    .describe(
      'Only as "${env:NAME}", or a list of such: the key that was rate limited longest ago is used, the next at once when it is. When none is set the model is unavailable.',
    ),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(-preview)?$/, 'is not a version such as 2024-10-21')
    .optional()
    .describe('Azure only: the version of the API. Default: 2024-10-21.'),
  plugin: z.string().min(1).optional().describe('plugin only: the name of the model plugin that asks it.'),
  sdk: z
    .strictObject({
      package: z.enum(SDK_PACKAGES).describe('A package of the AI SDK that is installed beside this one.'),
      options: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .default({})
        .describe('What its provider is given beside the key and the address, for example region. No credentials.'),
    })
    .optional()
    .describe(
      'ai-sdk only: the package whose code makes the requests. They go to the origin of baseUrl and nowhere else. Without it the program gives a model of the AI SDK by this name (createRouter({ models })), whose package sends by itself to where baseUrl says.',
    ),
  regions: z
    .array(
      z.strictObject({
        baseUrl: address.describe('Base URL of the same API elsewhere.'),
        apiKey: apiKeys.optional().describe("The keys there. Default: the model's own."),
      }),
    )
    .max(16)
    .default([])
    .describe(
      'Further addresses of the same model, asked in this order when the ones before are limited or away. Text goes to the model only where it may go to all of them.',
    ),
  alwaysStream: z
    .boolean()
    .default(false)
    .describe(
      'openai, azure: ask for a stream when the caller wants a whole answer, too, so that deadlines.<tier>.firstByte and idle hold for it and nothing on the way gives up a silent connection. Fields of the whole body beside the answer, its usage and its reason to end are then not passed on.',
    ),
  maxConcurrent: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      'Calls at the same time, over all keys and regions. Further ones wait their turn as long as deadlines.<tier>.connect, then the model is busy.',
    ),
  path: z.string().optional().describe('Embedded only: a GGUF file to use instead of the catalogue.'),
  contextTokens: z
    .number()
    .int()
    .min(256)
    .max(16_777_216)
    .optional()
    .describe(
      'The context window in tokens. Embedded and ollama: as large as it is made (num_ctx), 4096 by default; longer inputs are refused. Others: what the model has, as far as the bundled price table does not know it; under a budget, files by reference and tools of the provider are reserved with all of it.',
    ),
  parallel: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe(
      'Embedded only: requests that run side by side. Each holds a context of its own, so memory grows with it.',
    ),
  signals: z
    .enum(['bracket', 'exact'])
    .default('bracket')
    .describe(
      'Embedded only. bracket: bounds of the entropy at every token. exact: the entropy over the whole vocabulary, at about a third of the speed.',
    ),
  adapter: adapterSchema
    .optional()
    .describe('Embedded only: a LoRA adapter on top of the weights; its digest is part of the calibration key.'),
  threads: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Embedded only. Default: physical cores minus one, at least 1.'),
  idleUnload: z
    .union([duration, z.literal('never').transform(() => null)])
    .default(300_000)
    .describe(
      'Embedded and ollama: unload after this long without a request (keep_alive); never: an embedded model still gives way to a load that needs its memory.',
    ),
  preload: z
    .boolean()
    .default(false)
    .describe(
      'Embedded only: load at the start of `spillway serve`, or with `router.preload()`, not with the first request.',
    ),
  think: z
    .union([z.boolean(), z.enum(['low', 'medium', 'high'])])
    .optional()
    .describe("Ollama only: whether a thinking model thinks before it answers. Default: the model's own."),
  can: z
    .array(z.enum(['images', 'infill']))
    .default([])
    .describe(
      'ollama, openai with a local tier: what it can beside answering texts, so that such requests may stay here. images: it sees. infill: its /completions fills a text in before a suffix. What an embedded model can is read from its file, and of frontiers nothing is asked.',
    ),
  batch: z
    .strictObject({
      priceShare: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Of the usual price. Default: 0.5 at api.openai.com and api.anthropic.com, 1 elsewhere.'),
      poll: duration
        .default(15_000)
        .describe(
          'The first wait between two looks at a batch; each further one is half as long again, up to a minute.',
        ),
    })
    .optional()
    .describe(
      "openai and anthropic frontiers: calls of `spillway batch run --provider-batch` go to the provider's own batch API (/files and /batches, /messages/batches).",
    ),
  maxOutputTokens: z.number().int().min(1).default(1024).describe('Cap of an answer when the caller sets none.'),
  priceUsdPerMillion: z
    .strictObject({
      input: z.number().min(0),
      output: z.number().min(0),
      cachedInput: z
        .number()
        .min(0)
        .optional()
        .describe('Of input tokens that the provider read from its prompt cache. Default: as input.'),
    })
    .optional()
    .describe('Overrides the price table. Without a price the cost is unknown (null), never 0.'),
})
