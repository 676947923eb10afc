/** That our own types of the AI SDK's specification fit the SDK's. Checked by the compiler; the calls show that both majors take them. */
import type {
  EmbeddingModelV3,
  EmbeddingModelV4,
  Experimental_DecisionModelV4,
  LanguageModelV3,
  LanguageModelV3Middleware,
  LanguageModelV4,
  LanguageModelV4Middleware,
  ProviderV3,
  ProviderV4,
  RerankingModelV3,
  RerankingModelV4,
} from '@ai-sdk/provider'
import * as ai7 from 'ai'
import * as ai6 from 'ai-6'
import { describe, expect, it } from 'vitest'
import { createSpillway, type SpillwayMiddleware, spillwayMiddleware } from '../../../src/ai-sdk.ts'

const gateway = { baseURL: 'http://127.0.0.1:9' }

describe('the types of the provider', () => {
  it('are those of version 4 of the specification', () => {
    const spillway = createSpillway(gateway)
    const provider: Omit<ProviderV4, 'files' | 'skills'> = spillway
    const language: LanguageModelV4 = spillway('auto')
    const embedding: EmbeddingModelV4 = spillway.embeddingModel('auto')
    const reranking: RerankingModelV4 = spillway.rerankingModel('auto')
    const decision: Experimental_DecisionModelV4 = spillway.decisionModel('auto')
    for (const model of [provider, language, embedding, reranking, decision])
      expect(model.specificationVersion).toBe('v4')
  })

  it('are those of version 3 where it is asked for', () => {
    const spillway = createSpillway({ ...gateway, specification: 'v3' })
    const provider: ProviderV3 = spillway
    const language: LanguageModelV3 = spillway('auto')
    const embedding: EmbeddingModelV3 = spillway.embeddingModel('auto')
    const reranking: RerankingModelV3 = spillway.rerankingModel('auto')
    for (const model of [provider, language, embedding, reranking]) expect(model.specificationVersion).toBe('v3')
  })

  it('let a middleware stand around any model of its version', () => {
    const v4: SpillwayMiddleware = spillwayMiddleware({ policy: {} })
    const v3: SpillwayMiddleware<'v3'> = spillwayMiddleware({ policy: {}, specification: 'v3' })
    const own: [LanguageModelV4Middleware, LanguageModelV3Middleware] = [v4, v3]
    expect(own.map(({ specificationVersion }) => specificationVersion)).toEqual(['v4', 'v3'])
  })

  it('make a registry in both majors', () => {
    const seven = ai7.createProviderRegistry({ spillway: createSpillway(gateway) })
    expect(seven.languageModel('spillway:triage').modelId).toBe('triage')
    const six = ai6.createProviderRegistry({ spillway: createSpillway({ ...gateway, specification: 'v3' }) })
    expect(six.languageModel('spillway:triage').modelId).toBe('triage')
    expect(() => seven.imageModel('spillway:any')).toThrow('no models that make images')
  })
})
