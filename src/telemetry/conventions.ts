/**
 * Every name that a span carries. The `gen_ai` names are those of the OpenTelemetry conventions for generative AI, which are still in
 * development and move: this file is the only place to change them.
 */

/**
 * The state of open-telemetry/semantic-conventions-genai that the names follow: its commit, which builds on the general
 * conventions 1.44.0. Told as the version of the instrumentation scope's schema.
 */
export const GENAI_CONVENTIONS = '024a4f944a1291fcb627c9c47da69e79868dd15e'
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.44.0'
export const SCOPE = 'spillway'

export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  conversation: 'gen_ai.conversation.id',
  outputType: 'gen_ai.output.type',
  requestModel: 'gen_ai.request.model',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  seed: 'gen_ai.request.seed',
  stream: 'gen_ai.request.stream',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  /** Seconds. */
  firstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  cacheWrite: 'gen_ai.usage.cache_write.input_tokens',
  reasoning: 'gen_ai.usage.reasoning.output_tokens',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  evaluation: 'gen_ai.evaluation.result',
  evaluationName: 'gen_ai.evaluation.name',
  scoreValue: 'gen_ai.evaluation.score.value',
  scoreLabel: 'gen_ai.evaluation.score.label',
} as const

/** Of the general conventions. */
export const GENERAL = {
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  urlPath: 'url.path',
  urlScheme: 'url.scheme',
} as const

/** What no convention has a name for. */
export const OWN = {
  requestId: 'spillway.request.id',
  parentRequestId: 'spillway.request.parent_id',
  task: 'spillway.task',
  route: 'spillway.route',
  reason: 'spillway.reason',
  pattern: 'spillway.pattern',
  stage: 'spillway.stage',
  outcome: 'spillway.outcome',
  model: 'spillway.model',
  tier: 'spillway.tier',
  lane: 'spillway.lane',
  actor: 'spillway.actor',
  purpose: 'spillway.purpose',
  partition: 'spillway.partition',
  degraded: 'spillway.degraded',
  proven: 'spillway.proven',
  /** US dollars; absent where it is not known. */
  costUsd: 'spillway.cost.usd',
  usageSource: 'spillway.usage.source',
  policyDigest: 'spillway.policy.digest',
  gateThreshold: 'spillway.gate.threshold',
  gateReason: 'spillway.gate.reason',
} as const

/** Well-known values of `gen_ai.provider.name` by provider of the policy; the conventions leave the others to us. */
export const PROVIDERS: Readonly<Record<string, string>> = {
  embedded: 'llama.cpp',
  azure: 'azure.ai.openai',
  '@ai-sdk/amazon-bedrock': 'aws.bedrock',
  '@ai-sdk/cohere': 'cohere',
  '@ai-sdk/google-vertex': 'gcp.vertex_ai',
}
