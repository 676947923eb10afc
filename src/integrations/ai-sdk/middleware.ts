/** A middleware of the AI SDK: the model that it wraps becomes the frontier of a router. */
import type { LanguageCall, Specification, SpillwayLanguageModel } from './specification.ts'

/** A language model of any provider, as a middleware is handed it. */
export interface WrappedModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  doStream(options: Readonly<Record<string, unknown>>): PromiseLike<{ readonly stream: ReadableStream<unknown> }>
}

interface Wrapping {
  readonly params: LanguageCall
  readonly model: WrappedModel
}

/** What `wrapLanguageModel` takes. */
export interface SpillwayMiddleware<Version extends Specification = 'v4'> {
  readonly specificationVersion: Version
  wrapGenerate(options: Wrapping): ReturnType<SpillwayLanguageModel<Version>['doGenerate']>
  wrapStream(options: Wrapping): ReturnType<SpillwayLanguageModel<Version>['doStream']>
  /** Closes the routers that it opened. */
  close(): Promise<void>
}

export interface MiddlewareSettings<Version extends Specification> {
  readonly specification: Version
  /** One model in front of each that is wrapped. */
  readonly modelFor: (wrapped: WrappedModel) => SpillwayLanguageModel<Version>
  readonly close: () => Promise<void>
}

export function createMiddleware<Version extends Specification>({
  specification,
  modelFor,
  close,
}: MiddlewareSettings<Version>): SpillwayMiddleware<Version> {
  return {
    specificationVersion: specification,
    wrapGenerate: ({ params, model }) => modelFor(model).doGenerate(params),
    wrapStream: ({ params, model }) => modelFor(model).doStream(params),
    close,
  }
}

/** Options that are for the wrapped model's own provider; those for the router are no business of it. */
export function othersOptions({ providerOptions = {} }: LanguageCall): Readonly<Record<string, unknown>> | null {
  const { spillway: _, ...others } = providerOptions
  return Object.keys(others).length > 0 ? others : null
}
