/** A language model of the AI SDK that asks through a door. */
import { languageResult } from './answer.ts'
import { callError, called } from './call-error.ts'
import { chatBody } from './chat-body.ts'
import type { Door, Fields } from './door.ts'
import { othersOptions } from './middleware.ts'
import { saidByCaller } from './options.ts'
import type {
  JsonFields,
  LanguageCall,
  LanguageResult,
  SdkStreamPart,
  SdkWarning,
  Specification,
  SpillwayLanguageModel,
  StreamResult,
} from './specification.ts'
import { chunksOf, PartTeller } from './stream.ts'

/** Shared by the models of one provider. */
export interface ModelSettings<Version extends Specification> {
  readonly door: Door
  readonly specification: Version
  /** The provider's name, for telemetry. */
  readonly name: string
  /** Said with every call that says nothing else. */
  readonly always: JsonFields
  /** Field of the body for options of other providers, where one of their models may be asked; absent: they are not sent. */
  readonly othersField?: string
}

export function languageModel<Version extends Specification>(
  modelId: string,
  settings: ModelSettings<Version>,
): SpillwayLanguageModel<Version> {
  return {
    specificationVersion: settings.specification,
    provider: `${settings.name}.chat`,
    modelId,
    // A model elsewhere fetches images itself, and only it may: nothing here does.
    supportedUrls: { 'image/*': [/^https:\/\/.*$/] },
    doGenerate: (call) => generate(call, { modelId, ...settings }),
    doStream: (call) => stream(call, { modelId, ...settings }),
  }
}

interface Asking extends ModelSettings<Specification> {
  readonly modelId: string
}

interface Asked {
  readonly body: Fields
  readonly warnings: SdkWarning[]
  readonly headers: Readonly<Record<string, string>>
}

function asked(call: LanguageCall, { modelId, always, othersField }: Asking): Asked {
  const { metadata, headers } = saidByCaller(call, always)
  const { body, warnings } = chatBody(call, { model: modelId, metadata })
  const others = othersField === undefined ? null : othersOptions(call)
  return { body: others ? { ...body, [othersField ?? '']: others } : body, warnings, headers }
}

async function generate(call: LanguageCall, asking: Asking): Promise<LanguageResult> {
  const { door } = asking
  const { abortSignal: signal } = call
  return await called(call, door, async () => {
    const { body, warnings, headers } = asked(call, asking)
    const answer = await door.ask('/v1/chat/completions', body, { headers, signal })
    return { ...languageResult(answer), request: { body }, warnings }
  })
}

/** Resolves once it is known who answers: what fails before that fails the call, and may be tried again. */
async function stream(call: LanguageCall, asking: Asking): Promise<StreamResult> {
  const { door } = asking
  const { abortSignal: signal } = call
  return await called(call, door, async () => {
    const { body, warnings, headers } = asked(call, asking)
    const wanted = { ...body, stream: true, stream_options: { include_usage: true } }
    const chunks = chunksOf(door.stream(wanted, { headers, signal }), door.url)
    const first = await chunks.next()
    const told = partsOf({ first, chunks, warnings, call, door })
    return { stream: ReadableStream.from(told) as ReadableStream<SdkStreamPart>, request: { body: wanted } }
  })
}

interface Telling {
  readonly first: IteratorResult<Fields>
  readonly chunks: AsyncGenerator<Fields>
  readonly warnings: SdkWarning[]
  readonly call: LanguageCall
  readonly door: Door
}

/** Whoever stops reading ends the call. A broken stream ends with its error, and without a finish. */
async function* partsOf({ first, chunks, warnings, call, door }: Telling): AsyncGenerator<SdkStreamPart> {
  const { abortSignal: signal, includeRawChunks } = call
  const teller = new PartTeller()
  try {
    yield { type: 'stream-start', warnings }
    for (let next = first; !next.done; next = await chunks.next()) {
      if (includeRawChunks) yield { type: 'raw', rawValue: next.value }
      yield* teller.read(next.value)
    }
    yield* teller.end()
  } catch (error) {
    const failure = callError(error, door, signal)
    if (signal?.aborted) throw failure
    yield { type: 'error', error: failure }
  } finally {
    await chunks.return(undefined)
  }
}
