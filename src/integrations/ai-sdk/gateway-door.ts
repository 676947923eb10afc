/** A gateway, over HTTP. The caller's program names it; nothing else is asked. */
import { CallError } from './call-error.ts'
import { type Door, type DoorCall, type Fields, fieldsOf, textOf } from './door.ts'

export interface GatewaySettings {
  /** Of `spillway serve`, with or without `/v1`. */
  readonly baseURL: string
  readonly apiKey?: string | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined
}

export function gatewayDoor({ baseURL, apiKey, headers = {}, ...given }: GatewaySettings): Door {
  const { fetch = globalThis.fetch } = given
  const url = baseURL.replace(/\/+$/, '').replace(/\/v1$/, '')
  const post = async (path: string, body: Fields, call: DoorCall): Promise<Response> => {
    const init = {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...headers,
        ...call.headers,
      },
      body: JSON.stringify(body),
      ...(call.signal && { signal: call.signal }),
    }
    const response = await fetch(`${url}${path}`, init).catch((error: unknown) => {
      throw call.signal?.aborted ? error : unreachable(url, error)
    })
    if (!response.ok) throw await refusal(response, url)
    return response
  }
  return {
    url,
    async ask(path, body, call) {
      const response = await post(path, body, call)
      const warning = response.headers.get('x-spillway-warning')
      const told = fieldsOf(await response.json())
      return warning === null ? told : { ...told, warning }
    },
    async *stream(body, call) {
      const response = await post('/v1/chat/completions', body, call)
      if (response.body) yield* texts(response.body)
    },
  }
}

/** A reader that is let go ends the request. */
async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const piece of body) yield decoder.decode(piece, { stream: true })
}

function unreachable(url: string, error: unknown): CallError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
  return new CallError({
    message: `The gateway ${url} cannot be reached: ${cause}. Start it with \`spillway serve\`, or mend baseURL.`,
    url,
    status: undefined,
    isRetryable: true,
    retryAfterSeconds: null,
    data: { code: null, fix: 'Start it with `spillway serve`, or mend baseURL.', requestId: null, heldId: null },
    cause: error,
  })
}

async function refusal(response: Response, url: string): Promise<CallError> {
  const text = await response.text()
  const error = fieldsOf(fieldsOf(parsed(text)).error)
  const [message, hint] = [textOf(error.message), textOf(error.hint)]
  const afterMs = Number(response.headers.get('retry-after-ms') ?? Number.NaN)
  const held = textOf(fieldsOf(error.held).id)
  return new CallError({
    message: [message ?? `${url} answered ${response.status}.`, hint].filter((one) => one !== undefined).join(' '),
    url,
    status: response.status,
    // The gateway knows whether it has tried again itself.
    isRetryable: response.headers.get('x-should-retry') === 'true',
    retryAfterSeconds: Number.isFinite(afterMs) ? afterMs / 1000 : null,
    data: {
      code: textOf(error.code) ?? null,
      fix: hint ?? null,
      requestId: response.headers.get('x-request-id'),
      heldId: held ?? null,
    },
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
