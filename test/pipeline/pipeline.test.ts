import { describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import { type SampleScript, sampleRouter } from '../support/sample-router.ts'

const MODELS: PolicyInput['models'] = {
  small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
  big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' },
}

function script(change: Partial<SampleScript> & { readonly task?: Record<string, unknown> } = {}): SampleScript {
  const task = { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true }, ...change.task }
  return {
    policy: { models: MODELS, tasks: { chat: task as NonNullable<PolicyInput['tasks']>[string] } },
    env: { KEY: 'k' },
    models: { small: { answers: ['local'] }, big: { answers: ['frontier'] } },
    ...change,
  }
}

const ask = (text: string) => ({ messages: [{ role: 'user' as const, content: text }], metadata: { task: 'chat' } })

async function collect(events: AsyncIterable<StreamEvent>): Promise<readonly StreamEvent[]> {
  const all: StreamEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('a prompt that the local window does not hold', () => {
  const tooLong = { fail: 'request_invalid', values: { path: 'messages', problem: 'too long', fix: 'less' } } as const

  it('goes to the frontier', async () => {
    const sample = sampleRouter(script({ models: { small: { answers: [tooLong] }, big: { answers: ['frontier'] } } }))
    const outcome = await sample.router.complete(ask('hello'))
    expect(outcome).toMatchObject({ answer: 'frontier', decision: { route: 'frontier', reason: 'input_too_large' } })
  })

  it('is an error where no frontier may answer', async () => {
    const only = script({ task: { frontier: false }, models: { small: { answers: [tooLong] } } })
    await expect(sampleRouter(only).router.complete(ask('hello'))).rejects.toMatchObject({ code: 'request_invalid' })
  })
})

describe('a local model whose queue is full', () => {
  const busy = { fail: 'model_busy', values: { model: 'small', waiting: 256 } } as const

  it('leaves the request to the frontier, and is asked again with the next one', async () => {
    const models = { small: { answers: [busy, busy, busy, 'local'] }, big: { answers: ['1', '2', '3'] } }
    const sample = sampleRouter(script({ models, task: { gates: { entropyNats: null } } }))
    const reasons: string[] = []
    for (let turn = 0; turn < 4; turn++) reasons.push((await sample.router.complete(ask('hello'))).decision.reason)
    expect(reasons).toEqual(['queue_full', 'queue_full', 'queue_full', 'local_accepted'])
  })
})

describe('the journal', () => {
  it('holds a line in the ledger for every call that leaves: where to, how much, what was masked, and no text', async () => {
    const sample = sampleRouter(script({ task: { local: false, pattern: 'direct' } }))
    await sample.router.complete(ask('deploy with password="hunter2-hunter2" and password="hunter2-hunter2"'))
    const [row] = sample.journal.flatMap((entry) => (entry.type === 'egress' ? [entry.row] : []))
    expect(row).toMatchObject({
      destination: 'api.openai.com',
      purpose: 'answer',
      partition: 'internal',
      redactions: { secret: 1 },
      hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    })
    expect(row?.bytes).toBeGreaterThan(20)
    expect(JSON.stringify(row)).not.toMatch(/hunter2|deploy/)
  })

  it('holds no line in the ledger for a local answer', async () => {
    const sample = sampleRouter(script({ task: { local: 'small', frontier: false, accept: { uncalibrated: true } } }))
    await sample.router.complete(ask('hello'))
    expect(sample.journal.filter(({ type }) => type === 'egress')).toEqual([])
  })

  it('holds the intent before any call and a line before each call', async () => {
    const sample = sampleRouter(script({ task: { local: false, pattern: 'direct' } }))
    await sample.router.complete(ask('hello'))
    expect(sample.journal.map((entry) => entry.type)).toEqual(['intent', 'call', 'egress', 'settle'])
  })

  it('settles a failed request with what was tried', async () => {
    const sample = sampleRouter(
      script({ task: { local: false }, models: { small: {}, big: { answers: [{ fail: 'model_auth_failed' }] } } }),
    )
    await expect(sample.router.complete(ask('hello'))).rejects.toMatchObject({
      code: 'model_auth_failed',
      values: { requestId: 'req-1' },
    })
    expect(sample.record('req-1')).toMatchObject({
      outcome: 'error',
      error: 'model_auth_failed',
      attempts: [{ model: 'big', outcome: 'failed' }],
    })
  })

  it('holds no text of the request or the answer by default', async () => {
    const sample = sampleRouter(
      script({ task: { local: false }, models: { small: {}, big: { answers: ['answer marker 9972'] } } }),
    )
    await sample.router.complete(ask('my private marker 8861'))
    expect(JSON.stringify(sample.journal)).not.toMatch(/marker|8861|9972/)
    expect(sample.record('req-1')?.inputHash).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('keeps a preview, secrets masked, only when the policy asks', async () => {
    const base = script({ task: { local: false } })
    const sample = sampleRouter({ ...base, policy: { ...base.policy, audit: { content: 'preview' } } })
    const key = ['AKIA', 'IOSFODNN7', 'QWERTYU'].join('')
    await sample.router.complete(ask(`Look at ${key} please`))
    expect(sample.record('req-1')?.preview).toContain('Look at')
    expect(sample.record('req-1')?.preview).not.toContain(key)
  })

  it('keeps nothing in a preview that the policy masks in what leaves', async () => {
    const base = script({ task: { local: false } })
    const policy = { ...base.policy, audit: { content: 'preview' as const }, privacy: { redact: ['iban' as const] } }
    const sample = sampleRouter({ ...base, policy })
    await sample.router.complete(ask('Pay DE89370400440532013000 please'))
    expect(sample.record('req-1')?.preview).toBe('Pay [iban] please')
  })
})

describe('cancelling', () => {
  it('stops the model, rejects with cancelled and settles the record', async () => {
    const sample = sampleRouter(
      script({ task: { local: false }, models: { small: {}, big: { answers: [{ hang: true }] } } }),
    )
    const gone = new AbortController()
    const waiting = sample.router.complete(ask('hello'), { signal: gone.signal })
    queueMicrotask(() => gone.abort())
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    expect(sample.record('req-1')).toMatchObject({
      reason: 'cancelled',
      error: 'cancelled',
      attempts: [{ outcome: 'cancelled' }],
    })
  })

  it('stops the model when the reader of a stream leaves, and books what came', async () => {
    const never = new Promise(() => {})
    const sample = sampleRouter(
      script({
        task: { local: false },
        models: {
          small: {},
          big: {
            answers: [
              { text: ['a', 'b'], thenFail: 'model_failed' },
              { after: never, text: 'x' },
            ],
          },
        },
      }),
    )
    for await (const event of sample.router.stream(ask('hello'))) if (event.type === 'text') break
    await sample.router.close()
    expect(sample.record('req-1')?.attempts[0]?.usage).toMatchObject({ source: 'estimated' })
  })
})

describe('a stream', () => {
  it('names who answers before the first text, and ends with the outcome', async () => {
    const sample = sampleRouter(script({ task: { local: false } }))
    const events = await collect(sample.router.stream(ask('hello')))
    expect(events.map((event) => event.type)).toEqual(['commit', 'text', 'final'])
    expect(events[0]).toMatchObject({
      decision: { route: 'frontier', reason: 'policy_requires_frontier', model: 'big' },
    })
  })

  it('does not try again once text has reached the caller', async () => {
    const broken = { text: ['half '], thenFail: 'model_incomplete' as const }
    const sample = sampleRouter(
      script({ task: { local: false }, models: { small: {}, big: { answers: [broken, 'whole'] } } }),
    )
    await expect(collect(sample.router.stream(ask('hello')))).rejects.toMatchObject({ code: 'model_incomplete' })
    expect(sample.models.big?.calls).toHaveLength(1)
  })

  it('says that a model is loading while the answer is held back', async () => {
    const signals = {
      pass: 'decode',
      level: 1,
      fullDistribution: true,
      tokens: 2,
      meanLogprob: -0.1,
      minLogprob: -0.1,
      entropyLowNats: 0.1,
      entropyHighNats: 0.2,
      maxTokenEntropyNats: 0.1,
      options: null,
      margin: null,
    } as const
    const sample = sampleRouter(
      script({ models: { small: { answers: [{ loading: true, text: 'Paris is a city.', signals }] }, big: {} } }),
    )
    const events = await collect(sample.router.stream(ask('hello')))
    expect(events.map((event) => event.type)).toEqual(['waiting', 'commit', 'text', 'final'])
  })

  it('restores a masked secret in the streamed answer, also when it is split over pieces', async () => {
    const key = ['AKIA', 'IOSFODNN7', 'QWERTYU'].join('')
    const sample = sampleRouter(
      script({
        task: { local: false },
        models: {
          small: {},
          big: {
            answers: (call) => {
              const masked = /\[secret_\d+\]/.exec(JSON.stringify(call.messages))?.[0] ?? 'nothing masked'
              return { text: ['The key ', masked.slice(0, 4), masked.slice(4), ' is old.'] }
            },
          },
        },
      }),
    )
    const events = await collect(sample.router.stream(ask(`Is ${key} old?`)))
    expect(JSON.stringify(sample.models.big?.calls)).not.toContain(key)
    expect(events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')).toBe(
      `The key ${key} is old.`,
    )
  })
})

describe('decide', () => {
  it('reads the option and its probability from the local model', async () => {
    const sample = sampleRouter(
      script({ models: { small: { decisions: [{ probabilities: { red: 0.8, blue: 0.2 } }] }, big: {} } }),
    )
    const outcome = await sample.router.decide({ task: 'chat', input: 'The sky at dusk', options: ['red', 'blue'] })
    expect(outcome.value).toBe('red')
    expect(outcome.options?.[0]).toMatchObject({ value: 'red', probability: 0.8 })
    expect(outcome.decision).toMatchObject({ route: 'local', proven: false })
  })

  it('finds the option in the words of a frontier, and none when two are named', async () => {
    const low = { probabilities: { red: 0.5, blue: 0.5 } }
    const answers = ['It is Blue.', 'red or blue']
    const sample = sampleRouter(script({ models: { small: { decisions: [low, low] }, big: { answers } } }))
    const question = { task: 'chat', input: 'The sky', options: ['red', 'blue'] }
    expect((await sample.router.decide(question)).value).toBe('blue')
    expect((await sample.router.decide(question)).value).toBeNull()
  })

  it('names the head of the task to the model, and none for a task without one', async () => {
    const labels = ['build', 'test', 'dependency', 'security', 'access', 'unknown']
    const decisions = [{ probabilities: { build: 0.9, test: 0.1 } }]
    const asked = async (change: Record<string, unknown>) => {
      const task = { kind: 'choice', labels, ...change }
      const sample = sampleRouter(script({ task, models: { small: { decisions }, big: {} } }))
      await sample.router.complete(ask('Which?'))
      return sample.models.small?.decideCalls[0]?.head
    }
    expect(await asked({ head: { examples: 'shipped:classify-issue' } })).toBe('chat')
    expect(await asked({})).toBeUndefined()
  })

  it('refuses a question with fewer than two options', async () => {
    const sample = sampleRouter(script())
    await expect(sample.router.decide({ input: 'x', options: ['only'] })).rejects.toMatchObject({
      code: 'request_invalid',
    })
  })
})

describe('route', () => {
  it('explains without calling a model or writing a record', () => {
    const sample = sampleRouter(script())
    const explained = sample.router.route(ask('What is 2 + 2?'))
    expect(explained.solver).toEqual({ name: 'arithmetic', answer: '4' })
    expect(explained.gates).toContain('entropy')
    expect(sample.journal).toEqual([])
    expect(sample.models.small?.calls).toEqual([])
  })
})

describe('an unknown task', () => {
  it('is refused with the name that was meant', async () => {
    const sample = sampleRouter(script())
    await expect(sample.router.complete({ ...ask('x'), metadata: { task: 'chatt' } })).rejects.toMatchObject({
      code: 'unknown_task',
      fix: 'Did you mean chat?',
    })
  })

  it('goes to the frontier when the policy says so', async () => {
    const base = script()
    const sample = sampleRouter({ ...base, policy: { ...base.policy, routing: { unknownTask: 'frontier' } } })
    const outcome = await sample.router.complete({ ...ask('x'), metadata: { task: 'chatt' } })
    expect(outcome.decision).toMatchObject({ route: 'frontier', reason: 'unknown_task' })
  })
})

describe('the tier of an action', () => {
  const models: PolicyInput['models'] = {
    ...MODELS,
    coder: { provider: 'embedded', model: 'other', tier: 'local_quality' },
  }
  const sample = sampleRouter({ policy: { models }, models: {} })
  const tierOf = (task: string, text: string) =>
    sample.router.route({ messages: [{ role: 'user', content: text }], metadata: { task } }).decision

  it('is local_fast for a topic and local_quality for a function', () => {
    expect(tierOf('classify_memory', 'Extract topic from: Implemented async caching')).toMatchObject({
      tier: 'local_fast',
      route: 'local',
      local: ['small', 'coder'],
    })
    expect(tierOf('edit_file', 'Generate a Python function to parse JSON')).toMatchObject({
      tier: 'local_quality',
      route: 'local',
      local: ['coder'],
    })
  })

  it('is the frontier for what is quality critical, whatever the table says', () => {
    expect(tierOf('spawn_daemon', 'Start the worker')).toMatchObject({
      tier: 'frontier',
      wouldEscalateTo: { model: 'big' },
    })
  })
})

describe('egress', () => {
  it('holds a request whose secret stands where it cannot be masked', async () => {
    const key = ['AKIA', 'IOSFODNN7', 'QWERTYU'].join('')
    const sample = sampleRouter(script({ task: { local: false } }))
    const request = { ...ask('call it'), tools: [{ name: 'login', description: `uses ${key}` }] }
    await expect(sample.router.complete(request)).rejects.toMatchObject({ code: 'held_for_human' })
    expect(sample.models.big?.calls).toEqual([])
  })

  const key = ['AKIA', 'IOSFODNN7', 'QWERTYU'].join('')
  it.each([
    ['an unknown field of a message', { role: 'user', content: 'hi', reasoning_content: `use ${key}` }],
    ['a refusal', { role: 'assistant', content: 'hi', refusal: key }],
    ['a part that is not read', { role: 'user', content: [{ type: 'file', file: { file_data: key } }] }],
    ['a name', { role: 'user', content: 'hi', name: key }],
    [
      'the id of a tool call',
      { role: 'assistant', tool_calls: [{ id: key, function: { name: 'f', arguments: '{}' } }] },
    ],
    ['a tool call id', { role: 'tool', content: 'hi', tool_call_id: key }],
  ])('holds a request with a secret in %s', async (_, message) => {
    const sample = sampleRouter(script({ task: { local: false } }))
    const wire = { dialect: 'openai_chat' as const, body: { model: 'auto', messages: [message] } }
    await expect(sample.router.complete({ ...ask('hi'), wire })).rejects.toMatchObject({ code: 'held_for_human' })
    expect(sample.models.big?.calls).toEqual([])
  })

  it('holds nothing for secrets that are masked, nor for the bytes of an image', async () => {
    const sample = sampleRouter(script({ task: { local: false } }))
    const content = [
      { type: 'text', text: `Is ${key} old?` },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${key}` } },
    ]
    const calls = [{ id: 'c1', function: { name: 'f', arguments: `{"key":"${key}"}` } }]
    const messages = [
      { role: 'user', content },
      { role: 'assistant', tool_calls: calls },
    ]
    const wire = { dialect: 'openai_chat' as const, body: { model: 'auto', messages } }
    const outcome = await sample.router.complete({ ...ask(`Is ${key} old?`), wire })
    expect(outcome.decision.route).toBe('frontier')
  })
})
