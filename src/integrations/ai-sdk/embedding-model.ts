/** Vectors, as the AI SDK asks for them. */
import { metadataOf } from './answer.ts'
import { called } from './call-error.ts'
import { countOf, fieldsOf, listOf, textOf } from './door.ts'
import type { ModelSettings } from './language-model.ts'
import { saidByCaller } from './options.ts'
import type {
  EmbeddingCall,
  EmbeddingResult,
  SdkWarning,
  Specification,
  SpillwayEmbeddingModel,
} from './specification.ts'

/** As many as the gateway takes. */
const MAX_VALUES = 2048

export function embeddingModel<Version extends Specification>(
  modelId: string,
  settings: ModelSettings<Version>,
): SpillwayEmbeddingModel<Version> {
  return {
    specificationVersion: settings.specification,
    provider: `${settings.name}.embedding`,
    modelId,
    maxEmbeddingsPerCall: MAX_VALUES,
    supportsParallelCalls: true,
    doEmbed: (call) => embed(call, modelId, settings),
  }
}

async function embed(
  call: EmbeddingCall,
  model: string,
  { door, always }: ModelSettings<Specification>,
): Promise<EmbeddingResult> {
  const { values, dimensions, abortSignal: signal } = call
  return await called(call, door, async () => {
    const { metadata, headers } = saidByCaller(call, always)
    const body = { model, input: values, ...(dimensions !== undefined && { dimensions }), metadata }
    const answer = await door.ask('/v1/embeddings', body, { headers, signal })
    const tokens = countOf(fieldsOf(answer.usage).prompt_tokens)
    const warning = textOf(answer.warning)
    const warnings: SdkWarning[] = warning === undefined ? [] : [{ type: 'other', message: warning }]
    return {
      embeddings: listOf(answer.data).map(({ embedding }) => embedding as number[]),
      ...(tokens !== undefined && { usage: { tokens } }),
      providerMetadata: metadataOf(answer.spillway),
      warnings,
    }
  })
}
