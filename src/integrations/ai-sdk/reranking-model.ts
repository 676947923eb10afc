/** Orders texts by how well they answer a query, as `rerank` of the AI SDK asks for it. */
import { metadataOf } from './answer.ts'
import { called } from './call-error.ts'
import { countOf, listOf, textOf } from './door.ts'
import type { ModelSettings } from './language-model.ts'
import { saidByCaller } from './options.ts'
import type {
  RerankingCall,
  RerankingResult,
  SdkWarning,
  Specification,
  SpillwayRerankingModel,
} from './specification.ts'

export function rerankingModel<Version extends Specification>(
  modelId: string,
  settings: ModelSettings<Version>,
): SpillwayRerankingModel<Version> {
  return {
    specificationVersion: settings.specification,
    provider: `${settings.name}.reranking`,
    modelId,
    doRerank: (call) => rerank(call, modelId, settings),
  }
}

async function rerank(
  call: RerankingCall,
  model: string,
  { door, always }: ModelSettings<Specification>,
): Promise<RerankingResult> {
  const { documents, query, topN, abortSignal: signal } = call
  return await called(call, door, async () => {
    const { metadata, headers } = saidByCaller(call, always)
    const texts = documents.type === 'text' ? documents.values : documents.values.map((one) => JSON.stringify(one))
    const body = { model, query, documents: texts, ...(topN !== undefined && { top_n: topN }), metadata }
    const answer = await door.ask('/v1/rerank', body, { headers, signal })
    const results = listOf(answer.results)
    const [id, modelId] = [textOf(answer.id), textOf(answer.model)]
    return {
      ranking: results.map(({ index, relevance_score: score }, at) => ({
        index: countOf(index) ?? at,
        relevanceScore: countOf(score) ?? (results.length - at) / results.length,
      })),
      providerMetadata: metadataOf(answer.spillway),
      warnings: results.some((one) => typeof one.relevance_score !== 'number') ? [NO_SCORES] : [],
      response: { ...(id !== undefined && { id }), ...(modelId !== undefined && { modelId }) },
    }
  })
}

const NO_SCORES: SdkWarning = {
  type: 'other',
  message: 'the order came without scores: those told are places in it, evenly spaced, and no measure of relevance',
}
