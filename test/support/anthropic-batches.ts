/** A provider with Anthropic's Message Batches, over real HTTP on loopback. Batches end when the test says so. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MessageCall {
  readonly custom_id: string
  readonly params: {
    readonly messages: readonly { readonly content: unknown }[]
    readonly max_tokens?: number
    readonly stream?: boolean
  }
}

export interface MessageBatches {
  readonly baseUrl: string
  /** The calls of each batch that was made, in order. */
  readonly batches: readonly (readonly MessageCall[])[]
  /** Requests that came outside of batches, or with another key or version. */
  readonly odd: readonly string[]
  /** Ids of batches that are still kept. */
  kept(): readonly string[]
  /** From now on batches end with what `answer` says of each call. */
  release(answer: (call: MessageCall) => Readonly<Record<string, unknown>>): void
  close(): Promise<void>
}

interface Batch {
  readonly id: string
  readonly calls: readonly MessageCall[]
}

export async function startMessageBatches(): Promise<MessageBatches> {
  const made: (readonly MessageCall[])[] = []
  const odd: string[] = []
  const batches = new Map<string, Batch>()
  let answer: Parameters<MessageBatches['release']>[0] | null = null
  const shown = ({ id, calls }: Batch) => {
    const counts = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 }
    return {
      ...{ id, type: 'message_batch', processing_status: answer ? 'ended' : 'in_progress' },
      request_counts: { ...counts, [answer ? 'succeeded' : 'processing']: calls.length },
      // Somewhere else: whoever went there would take the key along.
      results_url: answer ? 'http://127.0.0.1:9/results' : null,
    }
  }
  const reply = async (request: IncomingMessage): Promise<unknown> => {
    const { method = '', url = '', headers } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [path = ''] = url.split('?')
    const isKnown = headers['x-api-key'] === 'simulated' && headers['anthropic-version'] === '2023-06-01'
    if (!path.startsWith('/v1/messages/batches') || !isKnown) {
      odd.push(`${method} ${path}`)
      return null
    }
    if (method === 'POST') {
      const { requests } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly requests: readonly MessageCall[] }
      const batch = { id: `msgbatch_${made.length}`, calls: requests }
      batches.set(batch.id, batch)
      made.push(requests)
      return shown(batch)
    }
    const [, , , , id = '', part] = path.split('/')
    if (id === '') return { data: [...batches.values()].map(shown), has_more: false }
    const batch = batches.get(id)
    if (!batch) return null
    if (method === 'DELETE') return { id, deleted: batches.delete(id) }
    if (part !== 'results') return shown(batch)
    const results = batch.calls.map((call) => ({ custom_id: call.custom_id, result: answer?.(call) }))
    // In no order, as the API says.
    return results
      .toReversed()
      .map((result) => JSON.stringify(result))
      .join('\n')
  }
  const server = createServer((request, response) => {
    void reply(request).then((said) => {
      response.writeHead(said === null ? 404 : 200, { 'content-type': 'application/json' })
      response.end(typeof said === 'string' ? said : JSON.stringify(said ?? { error: { message: 'not here' } }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: made,
    odd,
    kept: () => [...batches.keys()],
    release: (how) => {
      answer = how
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A message with this text, as the provider would have answered the call alone. */
export function succeeded(text: string): Readonly<Record<string, unknown>> {
  const usage = { input_tokens: 10, output_tokens: 10 }
  const content = [{ type: 'text', text }]
  const message = { id: 'm', type: 'message', role: 'assistant', model: 'sim', content, stop_reason: 'end_turn', usage }
  return { type: 'succeeded', message }
}
