/** The provider: models by name, of one version of the AI SDK's specification. */
import { RouterError } from '../../spec/errors.ts'
import { callError } from './call-error.ts'
import { decisionModel } from './decision-model.ts'
import { embeddingModel } from './embedding-model.ts'
import { languageModel, type ModelSettings } from './language-model.ts'
import { rerankingModel } from './reranking-model.ts'
import type {
  Specification,
  SpillwayDecisionModel,
  SpillwayEmbeddingModel,
  SpillwayLanguageModel,
  SpillwayRerankingModel,
} from './specification.ts'

/** Names are `auto`, `auto:fast`, `local`, `frontier`, a task or a model of the policy. */
export interface SpillwayProvider<Version extends Specification = 'v4'> {
  (model?: string): SpillwayLanguageModel<Version>
  readonly specificationVersion: Version
  languageModel(model: string): SpillwayLanguageModel<Version>
  chat(model: string): SpillwayLanguageModel<Version>
  /** `auto` is the first local model that gives vectors. */
  embeddingModel(model: string): SpillwayEmbeddingModel<Version>
  textEmbeddingModel(model: string): SpillwayEmbeddingModel<Version>
  rerankingModel(model: string): SpillwayRerankingModel<Version>
  /** For `experimental_decide` of `ai` 7, whatever version the other models are of. */
  decisionModel(model: string): SpillwayDecisionModel
  /** Not offered. @throws RouterError request_invalid */
  imageModel(model: string): never
  /** Frees what the provider opened by itself; a router that it was given stays open. */
  close(): Promise<void>
}

export function createProvider<Version extends Specification>(
  settings: ModelSettings<Version> & { readonly close: () => Promise<void> },
): SpillwayProvider<Version> {
  const chat = (model: string) => languageModel(model, settings)
  const embedding = (model: string) => embeddingModel(model, settings)
  return Object.assign((model = 'auto') => chat(model), {
    specificationVersion: settings.specification,
    languageModel: chat,
    chat,
    embeddingModel: embedding,
    textEmbeddingModel: embedding,
    rerankingModel: (model: string) => rerankingModel(model, settings),
    decisionModel: (model: string) => decisionModel(model, { ...settings, specification: 'v4' }),
    imageModel(): never {
      const problem = 'there are no models that make images here'
      const fix = 'Ask the provider of such a model itself.'
      throw callError(
        new RouterError('request_invalid', { path: 'imageModel', problem, fix }),
        settings.door,
        undefined,
      )
    },
    close: settings.close,
  })
}
