/** What stands around a newcomer in `npm run test:newcomer`: a model server that gives evidence, and a hub out of reach. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { actAsOllama, lastLine, line, lines, tags } from './ollama-answers.ts'
import { json, type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'

export const SERVER_ANSWER = 'Hello from the model server.'

/** A simulated Ollama whose tokens come with log-probabilities of the whole distribution, so that gates can accept. */
export async function startModelServer(): Promise<ScriptedCloud> {
  const server = await startScriptedCloud()
  actAsOllama(server, [], {
    '/api/tags': tags({ name: 'qwen3:4b', model: 'qwen3:4b', size: 2_500_000_000 }),
    '/api/chat': (request) => (request.body.stream === false ? PROBED : ANSWERED),
    '/v1/models': json({ object: 'list', data: [] }),
  })
  return server
}

/** To whoever finds out what the server can do: a first token that no model is sure of, told alike however it is sampled. */
const PROBED = json({
  model: 'qwen3:4b',
  message: { role: 'assistant', content: 'Word' },
  done: true,
  logprobs: [withLogprob('Word', -1.1)],
})
const ANSWERED = lines([
  ...SERVER_ANSWER.split(/(?= )/).map((token) =>
    line({ content: token }, { model: 'qwen3:4b', logprobs: [withLogprob(token, -0.005)] }),
  ),
  lastLine({ model: 'qwen3:4b' }),
])

function withLogprob(token: string, logprob: number): object {
  const rest = { token: ' other', logprob: Math.log(1 - Math.exp(logprob)) }
  return { token, logprob, top_logprobs: [{ token, logprob }, rest].sort((one, other) => other.logprob - one.logprob) }
}

export interface Unreachable {
  readonly url: string
  close(): Promise<void>
}

/** A hub behind a firewall that drops connections once they have said what they want. */
export async function startDeadHub(): Promise<Unreachable> {
  const server = createServer((request) => request.socket.destroy())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}

/** An agent that knows nothing of Spillway: it asks whatever its environment names, as the OpenAI client does. */
export const AGENT = `
const base = process.env.OPENAI_BASE_URL
const response = await fetch(base + '/chat/completions', {
  method: 'POST',
  headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY, 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Say hello.' }] }),
})
const body = await response.json()
if (!response.ok) throw new Error(JSON.stringify(body))
process.stdout.write(body.choices[0].message.content + '\\n')
`
