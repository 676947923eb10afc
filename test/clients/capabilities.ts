/** What is tried with every client, in one table. A check that throws has failed. */
import assert from 'node:assert/strict'
import type { Client, Door, Step } from './client.ts'
import { WEATHER_RESULT } from './client.ts'
import { AFTER_TOOL, LIMIT_SECONDS, PIECES, READING, TEXT, TOOL_CALL } from './cloud.ts'
import type { AuditRecord, Later } from './records.ts'
import { LOCAL_MODEL, taskOf } from './server.ts'
import type { Failed, Telling, Told, Trial } from './trial.ts'

export interface Capability {
  readonly name: string
  /** In words of a reader of the table. */
  readonly means: string
  readonly needs: Step
  /** The path that serves it; `door` is the client's way to chat. */
  readonly endpoint: 'door' | '/v1/responses' | '/v1/embeddings' | '/v1/models' | '/v1/messages/count_tokens'
  readonly check: (trial: Trial) => Promise<Later | undefined>
}

export const CAPABILITIES: readonly Capability[] = [
  {
    name: 'chat',
    means: 'a whole answer with its counts of tokens; the provider sees its own key and none of the caller',
    needs: 'chat',
    endpoint: 'door',
    check: (trial) => answersWhole(trial, 'chat'),
  },
  {
    name: 'stream',
    means: 'every piece as it came, and the counts at the end',
    needs: 'stream',
    endpoint: 'door',
    async check(trial) {
      const { seen } = await trial.does({ step: 'stream', play: 'text', upstream: 'same' })
      assert.deepEqual(seen, { text: TEXT, pieces: PIECES.length, outputTokens: 7 })
      return undefined
    },
  },
  {
    name: 'tools',
    means: 'a tool call, its result, and the answer to it',
    needs: 'tools',
    endpoint: 'door',
    check: (trial) => usesTools(trial, 'tools'),
  },
  {
    name: 'streamed_tools',
    means: 'the same from a stream',
    needs: 'streamedTools',
    endpoint: 'door',
    check: (trial) => usesTools(trial, 'streamedTools'),
  },
  {
    name: 'structured_output',
    means: "an answer of the caller's schema, parsed by the client",
    needs: 'structured',
    endpoint: 'door',
    check: (trial) => answersStructured(trial, 'structured'),
  },
  {
    name: 'translated',
    means: 'chat, stream and tools while the provider speaks the other dialect',
    needs: 'chat',
    endpoint: 'door',
    check: translates,
  },
  {
    name: 'local',
    means: 'whole and streamed answers of the embedded engine',
    needs: 'chat',
    endpoint: 'door',
    check: answersLocally,
  },
  {
    name: 'errors',
    means: '400, 401, 404, 429 and 503 as the classes that the client has for them, with message and Retry-After',
    needs: 'chat',
    endpoint: 'door',
    check: failsTyped,
  },
  {
    name: 'broken_stream',
    means: 'a stream whose provider broke off is an error and no answer',
    needs: 'stream',
    endpoint: 'door',
    async check(trial) {
      const { requests } = await trial.failsAt({ step: 'stream', play: 'breaks_off', upstream: 'faulty' })
      assert.equal(requests.length, 1)
      return undefined
    },
  },
  {
    name: 'retries',
    means: 'tries again when the answer says so and not before; a client that knows x-should-retry never in vain',
    needs: 'chat',
    endpoint: 'door',
    check: retries,
  },
  {
    name: 'abort',
    means: 'the client goes in the middle of a stream, and the provider is cut off',
    needs: 'abort',
    endpoint: 'door',
    check: aborts,
  },
  {
    name: 'timeouts',
    means: "the client's own time-out cuts the provider off; a deadline of the gateway is a 504",
    needs: 'chat',
    endpoint: 'door',
    check: timesOut,
  },
  {
    name: 'models',
    means: 'the names that may be asked for',
    needs: 'models',
    endpoint: '/v1/models',
    async check(trial) {
      const { seen } = await trial.does({ step: 'models', play: 'text', upstream: 'same' })
      assert(seen.names?.includes(taskOf(trial.client, 'same')), `it lists ${seen.names?.length ?? 'no'} names`)
      return undefined
    },
  },
  {
    name: 'count_tokens',
    means: 'how long a prompt is, without asking anybody',
    needs: 'countTokens',
    endpoint: '/v1/messages/count_tokens',
    check: countsTokens,
  },
  {
    name: 'responses',
    means: 'a whole answer with its counts of tokens',
    needs: 'responses',
    endpoint: '/v1/responses',
    check: (trial) => answersWhole(trial, 'responses'),
  },
  {
    name: 'responses_stream',
    means: 'every piece as it came',
    needs: 'responsesStream',
    endpoint: '/v1/responses',
    async check(trial) {
      const { seen } = await trial.does({ step: 'responsesStream', play: 'text', upstream: 'same' })
      assert.equal(seen.text, TEXT)
      assert.equal(seen.pieces, PIECES.length)
      return undefined
    },
  },
  {
    name: 'responses_tools',
    means: 'a tool call, its result, and the answer to it',
    needs: 'responsesTools',
    endpoint: '/v1/responses',
    check: (trial) => usesTools(trial, 'responsesTools'),
  },
  {
    name: 'responses_structured_output',
    means: "an answer of the caller's schema, parsed by the client",
    needs: 'responsesStructured',
    endpoint: '/v1/responses',
    check: (trial) => answersStructured(trial, 'responsesStructured'),
  },
  {
    name: 'embeddings',
    means: 'vectors of the embedded engine, as long and as far apart as they should be',
    needs: 'embed',
    endpoint: '/v1/embeddings',
    check: embeds,
  },
]

/** The path of a client's chat. */
export function doorPath({ door }: Pick<Client, 'door'>): string {
  return door === 'openai' ? '/v1/chat/completions' : '/v1/messages'
}

async function answersWhole(trial: Trial, step: Step): Promise<undefined> {
  const { seen, requests } = await trial.does({ step, play: 'text', upstream: 'same' })
  assert.deepEqual(seen, { text: TEXT, inputTokens: 11, outputTokens: 7 })
  assert.equal(requests.length, 1)
  const { headers } = requests[0] ?? {}
  assert.deepEqual([headers?.authorization ?? headers?.['x-api-key']].flat().join(), keyOf(trial.client))
  assert.doesNotMatch(JSON.stringify(headers), /spw_/)
  return undefined
}

function keyOf({ door }: Client): string {
  return door === 'openai' ? 'Bearer simulated' : 'simulated'
}

async function usesTools(trial: Trial, step: Step, upstream: 'same' | 'other' = 'same'): Promise<undefined> {
  const told = await trial.does({ step, play: 'tools', upstream })
  assert.deepEqual(told.seen.toolCalls, [{ name: TOOL_CALL.name, input: { city: 'Oslo' } }])
  assert.equal(told.seen.text, AFTER_TOOL)
  assert.equal(told.requests.length, 2)
  const second = told.requests[1]?.text ?? ''
  assert(second.includes(TOOL_CALL.id), 'the result does not carry the id of the call')
  assert(second.includes(WEATHER_RESULT), 'the result did not reach the provider')
  return undefined
}

async function answersStructured(trial: Trial, step: Step): Promise<undefined> {
  const { seen, requests } = await trial.does({ step, play: 'structured', upstream: 'same' })
  assert.deepEqual(seen.value, READING)
  assert(requests[0]?.text.includes('"degrees"'), 'the schema did not reach the provider')
  return undefined
}

async function translates(trial: Trial): Promise<undefined> {
  const whole = await trial.does({ step: 'chat', play: 'text', upstream: 'other' })
  assert.deepEqual(whole.seen, { text: TEXT, inputTokens: 11, outputTokens: 7 })
  const streamed = await trial.does({ step: 'stream', play: 'text', upstream: 'other' })
  assert.equal(streamed.seen.text, TEXT)
  const path = trial.client.door === 'openai' ? '/v1/messages' : '/v1/chat/completions'
  assert.deepEqual(
    [...whole.requests, ...streamed.requests].map((request) => request.path),
    [path, path],
  )
  await usesTools(trial, 'tools', 'other')
  return undefined
}

async function answersLocally(trial: Trial): Promise<Later> {
  const change = { prompt: 'Say hello in one word.' }
  for (const step of ['chat', 'stream'] as const) {
    const { seen } = await trial.does({ step, play: 'text', upstream: 'local', change })
    assert(seen.text?.trim(), `no text (${step})`)
  }
  return (records) => {
    const routes = recordsOf(trial, 'local', records).map(({ route }) => route)
    assert.deepEqual(routes, ['local', 'local'])
  }
}

function recordsOf({ client }: Trial, upstream: Telling['upstream'], records: readonly AuditRecord[]): AuditRecord[] {
  return records.filter(({ task }) => task === taskOf(client, upstream))
}

async function failsTyped(trial: Trial): Promise<undefined> {
  const { kinds, door } = trial.client
  const told = { step: 'chat', play: 'text', upstream: 'same' } as const
  const own400 = await trial.failsAt({ ...told, change: { headers: { 'x-spillway-deadline-ms': 'soon' } } })
  requireFailure(door, own400, { kind: kinds[400], status: 400, message: /deadline-ms/, calls: 0 })
  const provider400 = await trial.failsAt({ ...told, play: 'invalid' })
  requireFailure(door, provider400, { kind: kinds[400], status: 400, message: /scripted refusal 400/, calls: 1 })
  const badKey = await trial.failsAt({ ...told, change: { key: 'spw_wrong' } })
  requireFailure(door, badKey, { kind: kinds[401], status: 401, message: /API key/, calls: 0 })
  const badModel = await trial.failsAt({ ...told, change: { model: 'no-such-model' } })
  requireFailure(door, badModel, { kind: kinds[404], status: 404, message: /no-such-model/, calls: 0 })
  const limited = await trial.failsAt({ ...told, play: 'limited', upstream: 'limited' })
  requireFailure(door, limited, { kind: kinds[429], status: 429, message: /rate limited/, calls: 1 })
  if (limited.failure.retryAfter !== null) assert.equal(limited.failure.retryAfter, String(LIMIT_SECONDS))
  const nobody = await trial.failsAt({ ...told, upstream: 'keyless' })
  requireFailure(door, nobody, { kind: kinds[503], status: 503, message: /No model can answer/, calls: 0 })
  return undefined
}

interface ExpectedFailure {
  readonly kind: string
  readonly status: number
  readonly message: RegExp
  /** Of the provider. */
  readonly calls: number
}

/** The `type` in the bodies of both dialects. */
const TYPES: Readonly<Record<Door, Readonly<Record<number, RegExp>>>> = {
  openai: {
    400: /^invalid_request_error$/,
    401: /^authentication_error$/,
    404: /^invalid_request_error$/,
    429: /^rate_limit_error$/,
    503: /^server_error$/,
  },
  anthropic: {
    400: /^invalid_request_error$/,
    401: /^authentication_error$/,
    404: /^not_found_error$/,
    429: /^rate_limit_error$/,
    503: /^(api|overloaded)_error$/,
  },
}

function requireFailure(door: Door, { failure, requests }: Failed, expected: ExpectedFailure): void {
  const { message, calls, ...rest } = expected
  const { kind, status } = failure
  assert.deepEqual({ kind, status }, rest, failure.message)
  assert.match(failure.type ?? 'no type', TYPES[door][rest.status] ?? /^$/, failure.message)
  assert.match(failure.message, message)
  assert.equal(requests.length, calls, `${requests.length} calls of the provider for a ${status}`)
}

/**
 * The flaky provider asks for a second. A try before that would be answered by the gateway itself, which leaves the model alone so
 * long: the records would hold three requests.
 */
async function retries(trial: Trial): Promise<Later> {
  const change = { retries: 2 }
  const again = await trial.does({ step: 'chat', play: 'flaky', upstream: 'flaky', change })
  assert.equal(again.seen.text, TEXT)
  assert.equal(again.requests.length, 2)
  const invalid = await trial.failsAt({ step: 'chat', play: 'invalid', upstream: 'same', change })
  assert.equal(invalid.requests.length, 1, 'a refused request was sent again')
  const refused = await trial.failsAt({ step: 'chat', play: 'refuses_key', upstream: 'refusing', change })
  // 502 is a status that clients repeat; the answer says that it is in vain.
  const tries = trial.client.obeysShouldRetry ? 1 : 1 + change.retries
  assert.equal(refused.requests.length, tries, 'x-should-retry: false counts for it otherwise than was thought')
  return (records) => {
    assert.equal(recordsOf(trial, 'flaky', records).length, 2, 'it did not wait as long as it was asked to')
  }
}

async function aborts(trial: Trial): Promise<Later> {
  const told = await trial.does({ step: 'abort', play: 'stalls', upstream: 'faulty' })
  assert.equal(told.seen.text, PIECES[0])
  await cutOff(told)
  return (records) => {
    const cancelled = recordsOf(trial, 'faulty', records).filter(({ error }) => error === 'cancelled')
    assert(cancelled.length >= 1, 'no record says that the client went')
  }
}

/** Resolves when the provider's side of the one request has closed; the trial as a whole has a time limit. */
async function cutOff({ requests }: Pick<Told, 'requests'>): Promise<void> {
  assert.equal(requests.length, 1)
  await requests[0]?.closed
}

async function timesOut(trial: Trial): Promise<undefined> {
  const silent = { step: 'chat', play: 'silent', upstream: 'faulty' } as const
  const own = await trial.failsAt({ ...silent, change: { timeoutMs: 1500 } })
  assert.equal(own.failure.kind, trial.client.kinds.timeout, own.failure.message)
  await cutOff(own)
  const bounded = await trial.failsAt({ ...silent, change: { headers: { 'x-spillway-deadline-ms': '1500' } } })
  assert.equal(bounded.failure.status, 504, bounded.failure.message)
  await cutOff(bounded)
  return undefined
}

async function countsTokens(trial: Trial): Promise<undefined> {
  const telling = { step: 'countTokens', play: 'text', upstream: 'same' } as const
  const short = await trial.does(telling)
  const long = await trial.does({ ...telling, change: { prompt: 'The weather is fine today. '.repeat(40) } })
  const counts = [short.seen.inputTokens ?? 0, long.seen.inputTokens ?? 0]
  assert(counts[0] && counts[0] >= 5 && counts[0] <= 40, `${counts[0]} tokens for a dozen words`)
  assert(counts[1] && counts[1] >= 120 && counts[1] <= 600, `${counts[1]} tokens for 200 words`)
  assert.equal(short.requests.length + long.requests.length, 0, 'somebody was asked')
  return undefined
}

async function embeds(trial: Trial): Promise<undefined> {
  const { seen, requests } = await trial.does({
    step: 'embed',
    play: 'text',
    upstream: 'local',
    change: { model: LOCAL_MODEL },
  })
  const [first = [], second = []] = seen.vectors ?? []
  assert(first.length >= 64, `a vector has ${first.length} numbers`)
  assert.equal(second.length, first.length)
  assert(Math.abs(dot(first, first) - 1) < 0.01, `a vector has the length ${Math.sqrt(dot(first, first))}`)
  assert(dot(first, second) < 0.9999, 'two texts have the same vector')
  assert.equal(requests.length, 0)
  return undefined
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0)
}
