import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RouterSettings } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { scriptedModel } from '../../src/testing.ts'
import { openAiError, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type RecordedSpans, recordSpans, stopRecording } from '../support/spans.ts'

const CANARY = 'zebrafish-canary'
const CALLER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

let spans: RecordedSpans
let local: ScriptedCloud

beforeEach(async () => {
  spans = recordSpans()
  local = await startScriptedCloud()
  local.otherwise(openAiText('The local answer.'))
})

afterEach(async () => {
  await closeAll()
  await local.close()
  stopRecording()
})

function open(
  telemetry: PolicyInput['telemetry'] = {},
  more: PolicyInput = {},
  router: Partial<RouterSettings> = {},
): Promise<GatewayOnCloud> {
  const small = { provider: 'openai', model: 'small-1', tier: 'local_fast', baseUrl: local.openAiBaseUrl } as const
  const cascade = { local: 'small', stage: 'accept', accept: { uncalibrated: true } } as const
  return gatewayOnCloud({
    router,
    policy: { ...more, models: { small, ...more.models }, tasks: { cascade, ...more.tasks }, telemetry },
  })
}

/** An answer to `text` in the task that the header names, read to its end. */
async function ask(
  { gateway }: GatewayOnCloud,
  text: string,
  { headers = {}, ...body }: { headers?: Record<string, string>; stream?: true; stop?: string; metadata?: object } = {},
): Promise<Response> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: text }], ...body }),
  })
  await response.text()
  return response
}

const served = () => expect.poll(() => spans.all().some(({ kind }) => kind === SpanKind.SERVER)).toBe(true)

describe('a request through the gateway', () => {
  it('is a tree of spans: the HTTP request, the request of the router, and a call of each model', async () => {
    const on = await open()
    on.cloud.otherwise(openAiText('The answer of the frontier.', { model: 'gpt-4.1-nano-2025' }))
    const response = await ask(on, 'Tell me about dams.', { headers: { 'x-spillway-task': 'cascade' } })
    await served()
    const [server, request] = [spans.one(/^POST/), spans.one(/^spillway/)]
    const [small, big] = [spans.one(/^chat small-1$/), spans.one(/^chat gpt-4\.1-nano$/)]
    expect(spans.all()).toHaveLength(4)
    expect([server.kind, small.kind, big.kind]).toEqual([SpanKind.SERVER, SpanKind.CLIENT, SpanKind.CLIENT])
    expect(request.parentSpanContext?.spanId).toBe(server.spanContext().spanId)
    for (const call of [small, big]) expect(call.parentSpanContext?.spanId).toBe(request.spanContext().spanId)
    expect(server).toMatchObject({
      name: 'POST /v1/chat/completions',
      attributes: {
        'http.route': '/v1/chat/completions',
        'http.response.status_code': 200,
        'spillway.route': 'frontier',
      },
    })
    expect(request).toMatchObject({
      name: 'spillway cascade',
      attributes: {
        'spillway.request.id': response.headers.get('x-request-id'),
        'spillway.task': 'cascade',
        'spillway.route': 'frontier',
        'spillway.pattern': 'cascade',
        'spillway.stage': 'accept',
        'spillway.outcome': 'escalated',
        'spillway.model': 'big',
        'spillway.reason': response.headers.get('x-spillway-reason'),
      },
    })
    expect(big.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1-nano',
      'gen_ai.response.model': 'gpt-4.1-nano-2025',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 11,
      'gen_ai.usage.output_tokens': 7,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(on.cloud.url).port),
      'spillway.actor': 'frontier',
      'spillway.purpose': 'answer',
    })
    expect(big.attributes).not.toHaveProperty('gen_ai.request.stream')
    expect(small.attributes).toMatchObject({ 'spillway.tier': 'local_fast', 'gen_ai.request.model': 'small-1' })
    expect(request.events).toContainEqual(
      expect.objectContaining({
        name: 'gen_ai.evaluation.result',
        attributes: expect.objectContaining({
          'gen_ai.evaluation.name': 'entropy',
          'gen_ai.evaluation.score.label': 'fail',
          'spillway.gate.reason': 'signal_unavailable',
          'spillway.model': 'small',
        }),
      }),
    )
  })

  it('goes on with the trace of its caller, and names it in the record and in the log', async () => {
    const on = await open()
    on.cloud.otherwise(openAiText('Yes.'))
    await ask(on, 'Is it?', { headers: { traceparent: CALLER, tracestate: 'vendor=1' } })
    await served()
    const server = spans.one(/^POST/)
    expect(server.parentSpanContext).toMatchObject({ spanId: '00f067aa0ba902b7', isRemote: true })
    expect(server.spanContext().traceState?.serialize()).toBe('vendor=1')
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    expect(new Set(spans.all().map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]))
    expect(on.router.audit({})[0]?.circumstances).toMatchObject({ traceId })
    await expect.poll(() => on.gateway.logLines.length).toBe(1)
    expect(JSON.parse(on.gateway.logLines[0] ?? '')).toMatchObject({
      traceId,
      spanId: server.spanContext().spanId,
      requestId: on.router.audit({})[0]?.requestId,
    })
  })

  it.each(['', 'nonsense', `ff${CALLER.slice(2)}`, `${CALLER}-more`, CALLER.replace(/4bf.*4736/, '0'.repeat(32))])(
    'begins a trace of its own where traceparent is %j',
    async (traceparent) => {
      const on = await open()
      on.cloud.otherwise(openAiText('Yes.'))
      await ask(on, 'Is it?', { headers: { traceparent } })
      await served()
      expect(spans.one(/^POST/).parentSpanContext).toBeUndefined()
    },
  )

  it('that is streamed ends with the stream, and says when the first chunk came', async () => {
    const on = await open()
    let goOn = (): void => undefined
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const frames = openAiFrames([{ content: 'One' }, { content: ' two' }])
    on.cloud.otherwise(eventStream(frames, { before: (index) => (index === 2 ? held : undefined) }))
    const asked = ask(on, 'Count.', { stream: true })
    await on.cloud.request(0)
    expect(spans.all()).toEqual([])
    goOn()
    await asked
    await served()
    const { attributes } = spans.one(/^chat/)
    expect(attributes).toMatchObject({ 'gen_ai.request.stream': true, 'gen_ai.usage.output_tokens': 7 })
    expect(attributes['gen_ai.response.time_to_first_chunk']).toBeGreaterThanOrEqual(0)
  })

  it('that failed says the code of the error on every span, and a refusal that the client made none', async () => {
    const on = await open({}, { routing: { maxFallbackAttempts: 0 } })
    on.cloud.otherwise(openAiError(500, CANARY))
    const response = await ask(on, 'Is it?')
    await served()
    expect(spans.all().map(({ status }) => status)).toEqual(Array(3).fill({ code: SpanStatusCode.ERROR }))
    const code = spans.one(/^chat/).attributes['error.type']
    expect(on.router.audit({})[0]?.attempts[0]?.error).toBe(code)
    expect(spans.one(/^POST/).attributes).toMatchObject({ 'http.response.status_code': response.status })
    expect(spans.text()).not.toContain(CANARY)
    const refused = await fetch(`${on.gateway.url}/v1/chat/completions`, { method: 'POST', body: '{}' })
    await refused.text()
    await expect.poll(() => spans.all()).toHaveLength(4)
    expect(spans.all()[3]).toMatchObject({
      attributes: { 'http.response.status_code': 401, 'error.type': 'unauthorized' },
      status: { code: SpanStatusCode.UNSET },
    })
  })

  it('whose client left is cancelled, which is no failure', async () => {
    const on = await open()
    on.cloud.otherwise('hang')
    const leaving = new AbortController()
    const asked = fetch(`${on.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${on.gateway.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Is it?' }] }),
      signal: leaving.signal,
    }).catch(() => null)
    await on.cloud.request(0)
    leaving.abort()
    await asked
    await served()
    const ended = spans.all().map(({ attributes, status }) => [attributes['error.type'], status.code])
    expect(ended).toEqual(Array(3).fill(['cancelled', SpanStatusCode.UNSET]))
  })

  it('leaves no span where only a page was looked at', async () => {
    const on = await open()
    await (await fetch(`${on.gateway.url}/healthz`)).text()
    expect(spans.all()).toEqual([])
  })
})

describe('what spans say', () => {
  it('is nothing of what anybody said, and no name that a caller chose', async () => {
    const on = await open({}, { routing: { unknownTask: 'frontier' } })
    on.cloud.otherwise(openAiText(`An answer with ${CANARY}.`))
    local.otherwise(openAiText(`A draft with ${CANARY}.`))
    const metadata = { user: CANARY, tenant: CANARY, conversation: CANARY, group: CANARY, taskId: CANARY }
    await ask(on, `Tell me of ${CANARY}.`, { headers: { 'x-spillway-task': 'cascade' }, stop: CANARY, metadata })
    await ask(on, `Tell me of ${CANARY}.`, { headers: { 'x-spillway-task': CANARY } })
    await expect.poll(() => spans.all().filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(2)
    expect(spans.all().length).toBeGreaterThan(5)
    expect(spans.text()).not.toContain(CANARY)
    expect(spans.one(/^spillway unknown$/)).toBeDefined()
    const named = spans.all().flatMap(({ attributes }) => attributes['gen_ai.conversation.id'] ?? [])
    expect(new Set(named)).toEqual(new Set([expect.stringMatching(/^sha256:[\da-f]{64}$/)]))
  })

  it('is with `content: sent` what a frontier got and gave, masked, and nothing of local calls', async () => {
    const on = await open({ content: 'sent' }, { privacy: { redact: ['email'] } })
    local.otherwise(openAiText('A draft.'))
    on.cloud.otherwise((request) => {
      const asked = JSON.stringify(request.body.messages)
      const reply = openAiText(`I wrote to ${/\[[^\]]*\]|<[^>]*>/.exec(asked)?.[0] ?? 'nobody'}.`)
      return typeof reply === 'function' ? reply(request) : reply
    })
    await ask(on, `Write to ada@example.org of ${CANARY}.`, { headers: { 'x-spillway-task': 'cascade' } })
    await served()
    const { attributes } = spans.one(/^chat gpt/)
    expect(String(attributes['gen_ai.input.messages'])).toContain(CANARY)
    expect(String(attributes['gen_ai.output.messages'])).toContain('I wrote to')
    expect(spans.text()).not.toContain('ada@example.org')
    expect(spans.one(/^chat small/).attributes).not.toHaveProperty('gen_ai.input.messages')
  })

  it('is nothing of a local_only request, whatever the policy says', async () => {
    const on = await open({ content: 'sent' })
    const headers = { 'x-spillway-task': 'cascade', 'x-spillway-partition': 'local_only' }
    await ask(on, `Tell me of ${CANARY}.`, { headers })
    await served()
    expect(on.cloud.requests).toEqual([])
    expect(spans.text()).not.toContain(CANARY)
  })
})

describe('the headers of a call', () => {
  const sent = async (telemetry: PolicyInput['telemetry']) => {
    const on = await open(telemetry)
    on.cloud.otherwise(openAiText('Yes.'))
    await ask(on, 'Is it?', { headers: { 'x-spillway-task': 'cascade', traceparent: CALLER, tracestate: 'vendor=1' } })
    await served()
    const last = ({ requests }: ScriptedCloud) => requests.findLast(({ method }) => method === 'POST')?.headers
    return { small: last(local), big: last(on.cloud) }
  }
  const idOf = (name: RegExp) => {
    const { traceId, spanId } = spans.one(name).spanContext()
    return `00-${traceId}-${spanId}-01`
  }

  it('tell a local model of the trace, and nobody else', async () => {
    const { small, big } = await sent({})
    expect(small).toMatchObject({ traceparent: idOf(/^chat small/), tracestate: 'vendor=1' })
    expect([big?.traceparent, big?.tracestate]).toEqual([undefined, undefined])
  })

  it('tell a provider, too, where the policy says so', async () => {
    const { big } = await sent({ handOn: 'everywhere' })
    expect(big).toMatchObject({ traceparent: idOf(/^chat gpt/), tracestate: 'vendor=1' })
  })

  it('tell nobody where the policy says so', async () => {
    const { small } = await sent({ handOn: 'nowhere' })
    expect([small?.traceparent, small?.tracestate]).toEqual([undefined, undefined])
  })
})

describe('a request of the library', () => {
  const asked = { messages: [{ role: 'user' as const, content: 'Is it?' }] }

  it('keeps instrumentations of HTTP clients out of its calls: they would hand on what the policy does not', async () => {
    const big = scriptedModel({
      name: 'big',
      answers: () => {
        trace.getTracer('http').startSpan('GET').end()
        return 'Yes.'
      },
    })
    const { router } = await open({}, {}, { models: { big } })
    await router.complete(asked)
    expect(spans.all().map(({ name }) => name)).toEqual(['chat gpt-4.1-nano', 'spillway direct'])
  })

  it('has its spans sent at the end of the router, whenever the SDK would have', async () => {
    stopRecording()
    spans = recordSpans('batched')
    const { router, cloud, closeRouter } = await open()
    cloud.otherwise(openAiText('Yes.'))
    await router.complete(asked)
    await closeRouter()
    expect(spans.one(/^spillway direct$/)).toBeDefined()
  })

  it('lies below the span that is active, or where its caller says', async () => {
    const { router, cloud } = await open()
    cloud.otherwise(openAiText('Yes.'))
    const own = trace.getTracer('application').startActiveSpan('work', (span) => {
      const running = router.complete(asked)
      span.end()
      return running.then(() => span.spanContext().spanId)
    })
    expect(
      spans
        .all()
        .find(({ name }) => name === 'work')
        ?.spanContext().spanId,
    ).toBe(await own)
    expect(spans.one(/^spillway/).parentSpanContext?.spanId).toBe(await own)
    await router.complete(asked, { trace: { traceparent: CALLER } })
    expect(spans.all().at(-1)?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7')
  })

  it('that the policy does not know has a span with its error', async () => {
    const { router } = await open()
    const unknown = router.complete({ ...asked, metadata: { task: CANARY } })
    await expect(unknown).rejects.toMatchObject({ code: 'unknown_task' })
    expect(spans.one(/^spillway$/).attributes).toMatchObject({ 'error.type': 'unknown_task' })
    expect(spans.text()).not.toContain(CANARY)
  })
})

describe('without a provider', () => {
  it('there are no spans, no headers and no trace in record and log, whatever the caller sends', async () => {
    stopRecording()
    const on = await open({ handOn: 'everywhere' })
    on.cloud.otherwise(openAiText('Yes.'))
    await ask(on, 'Is it?', { headers: { traceparent: CALLER } })
    await expect.poll(() => on.gateway.logLines.length).toBe(1)
    expect(JSON.parse(on.gateway.logLines[0] ?? '')).not.toHaveProperty('traceId')
    expect(on.router.audit({})[0]?.circumstances).not.toHaveProperty('traceId')
    expect(on.cloud.requests[0]?.headers).not.toHaveProperty('traceparent')
    expect(spans.all()).toEqual([])
  })
})
