/** A provider with a batch API in the form of OpenAI's, over real HTTP on loopback. Batches end when the test says so. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ProviderCall {
  readonly custom_id: string
  readonly url: string
  readonly body: { readonly messages: readonly { readonly content: string }[]; readonly stream?: boolean }
}

export interface BatchProvider {
  /** With `/v1` at its end. */
  readonly baseUrl: string
  /** The calls of each batch that was made, in order. */
  readonly batches: readonly (readonly ProviderCall[])[]
  /** Paths of requests that came outside of batches. */
  readonly single: readonly string[]
  /** Files that are still there. */
  readonly files: ReadonlyMap<string, string>
  /** From now on batches end with what `answer` says; null: the call is not made. */
  release(answer: (call: ProviderCall) => { readonly status: number; readonly body: unknown } | null): void
  close(): Promise<void>
}

interface Batch {
  readonly id: string
  readonly input: string
  readonly metadata: unknown
  output: string | null
}

export async function startBatchProvider(): Promise<BatchProvider> {
  const files = new Map<string, string>()
  const batches: Batch[] = []
  const made: (readonly ProviderCall[])[] = []
  const single: string[] = []
  let answer: Parameters<BatchProvider['release']>[0] | null = null
  let ids = 0
  const addFile = (text: string): string => {
    const id = `file-${++ids}`
    files.set(id, text)
    return id
  }
  const shown = (batch: Batch) => {
    if (answer && batch.output === null) {
      const lines = callsIn(batch.input).flatMap((call) => {
        const said = answer?.(call)
        const response = said && { status_code: said.status, request_id: 'p', body: said.body }
        return response ? [JSON.stringify({ id: 'b', custom_id: call.custom_id, response, error: null })] : []
      })
      batch.output = addFile(lines.join('\n'))
    }
    const status = batch.output === null ? 'in_progress' : 'completed'
    const { id, input, output, metadata } = batch
    return { id, status, input_file_id: input, output_file_id: output, error_file_id: null, metadata }
  }
  const callsIn = (file: string): readonly ProviderCall[] =>
    (files.get(file) ?? '').split('\n').map((line) => JSON.parse(line) as ProviderCall)
  const reply = async (request: IncomingMessage): Promise<unknown> => {
    const { method = '', url = '' } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const [path = ''] = url.split('?')
    const id = path.split('/')[3] ?? ''
    if (method === 'POST' && path === '/v1/files') {
      const headers = { 'content-type': request.headers['content-type'] ?? '' }
      const file = (await new Response(body, { headers }).formData()).get('file')
      return { id: addFile(file instanceof File ? await file.text() : '') }
    }
    if (method === 'POST' && path === '/v1/batches') {
      const { input_file_id: input, metadata } = JSON.parse(body.toString()) as {
        readonly input_file_id: string
        readonly metadata: unknown
      }
      const batch: Batch = { id: `batch-${++ids}`, input, metadata, output: null }
      batches.push(batch)
      made.push(callsIn(input))
      return shown(batch)
    }
    if (method === 'GET' && path === '/v1/batches') return { data: batches.map(shown), has_more: false }
    const batch = batches.find((one) => one.id === id)
    if (method === 'GET' && batch) return shown(batch)
    if (method === 'GET' && path.endsWith('/content')) return files.get(id) ?? ''
    if (method === 'DELETE' && files.delete(id)) return { id, deleted: true }
    single.push(`${method} ${path}`)
    return null
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
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    batches: made,
    single,
    files,
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

/** A chat completion with this text, as the provider would have answered the call alone. */
export function completion(content: string, tokens = 10): { readonly status: number; readonly body: unknown } {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens }
  return { status: 200, body: { id: 'c', object: 'chat.completion', created: 1, model: 'sim', choices, usage } }
}
