/** Lines in the shape of Ollama's own API (0.12 to 0.34), written by hand after its documentation: simulated, not recorded. */
import type { RecordedRequest, Reply, ScriptedCloud, ScriptedReply } from './scripted-cloud.ts'
import { json } from './scripted-cloud.ts'

const HEAD = { model: 'qwen3:8b', created_at: '2026-01-02T03:04:05.678Z' }

export const OLLAMA_DIGEST = 'a'.repeat(64)

/** One line of an answer. */
export function line(message: object, rest: object = {}): string {
  return `${JSON.stringify({ ...HEAD, message: { role: 'assistant', content: '', ...message }, done: false, ...rest })}\n`
}

/** The line that ends an answer. Default: 11 tokens read, 7 written. */
export function lastLine(rest: object = {}): string {
  const counts = { total_duration: 5e9, load_duration: 1e9, prompt_eval_count: 11, eval_count: 7 }
  return line({}, { done: true, done_reason: 'stop', ...counts, ...rest })
}

export function lines(pieces: ScriptedReply['pieces'], rest: Omit<ScriptedReply, 'pieces'> = {}): ScriptedReply {
  return { ...rest, headers: { 'content-type': 'application/x-ndjson' }, pieces }
}

/** The list of models as `GET /api/tags` gives it. */
export function tags(entry: object = {}): ScriptedReply {
  const details = { family: 'qwen3', parameter_size: '8.2B', quantization_level: 'Q4_K_M' }
  return json({ models: [{ name: 'qwen3:8b', model: 'qwen3:8b', digest: OLLAMA_DIGEST, details, ...entry }] })
}

/** Lets a scripted server answer as Ollama does: chats in their order, everything else by its path. */
export function actAsOllama(
  cloud: ScriptedCloud,
  chats: readonly Reply[],
  paths: Readonly<Record<string, Reply>> = {},
): void {
  const queue = [...chats]
  const known: Readonly<Record<string, Reply>> = {
    '/api/tags': tags(),
    '/api/version': json({ version: '0.34.1' }),
    ...paths,
  }
  cloud.otherwise((request) => {
    const reply = known[request.path] ?? queue.shift() ?? 'reset'
    return typeof reply === 'function' ? reply(request) : reply
  })
}

/** The chats that a scripted server was asked for. */
export function chatsOf(cloud: ScriptedCloud): readonly RecordedRequest[] {
  return cloud.requests.filter((request) => request.path === '/api/chat')
}
