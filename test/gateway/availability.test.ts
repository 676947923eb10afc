/** Who answers when somebody cannot: keys, regions, models, and what the client is told. Real sockets; only the cloud is scripted. */
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openBudgets } from '../../src/stores/budgets.ts'
import { type ManualClock, manualClock, scriptedModel } from '../../src/testing.ts'
import { openAiError, openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import {
  type RecordedRequest,
  type Reply,
  type ScriptedCloud,
  type ScriptedReply,
  startScriptedCloud,
} from '../support/scripted-cloud.ts'

const clouds: ScriptedCloud[] = []

afterEach(async () => {
  await closeFaultyUpstreams()
  await closeAll()
  for (const cloud of clouds.splice(0)) await cloud.close()
})

const limited = (seconds: string) => openAiError(429, 'slow down', { 'retry-after': seconds })
const SMALL = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_quality' } as const

async function cloud(...script: readonly Reply[]): Promise<ScriptedCloud> {
  const started = await startScriptedCloud(...script)
  clouds.push(started)
  return started
}

type ModelInput = NonNullable<PolicyInput['models']>[string]

/** One frontier `big` with the settings given, and an environment with three keys. */
async function withBig(
  big: Partial<ModelInput> & { readonly baseUrl: string },
): Promise<{ on: GatewayOnCloud; clock: ManualClock }> {
  const clock = manualClock({ epochMs: 1_700_000_000_000, sleeping: 'skip' })
  const on = await gatewayOnCloud({
    policy: { models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', ...big } } },
    router: { clock, env: { KEY_A: 'key-a', KEY_B: 'key-b', KEY_C: 'key-c' } },
  })
  return { on, clock }
}

const ask = ({ gateway }: GatewayOnCloud, stream = false) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Tell me something.' }] }),
  })

const keysSeen = (requests: readonly RecordedRequest[]) => requests.map(({ headers }) => headers.authorization)
const attemptsOf = ({ router }: GatewayOnCloud) =>
  router.audit({ newestFirst: true, limit: 1 })[0]?.attempts.map(({ model, lane, error }) => [model, lane, error])

describe('a model with several keys', () => {
  const apiKey = ['${env:KEY_A}', '${env:KEY_B}']

  it.each([false, true])(
    'uses the next key at once when one is limited, and says which was used (stream: %s)',
    async (stream) => {
      const upstream = await cloud(limited('60'), openAiText('from the second key'))
      const { on, clock } = await withBig({ baseUrl: upstream.openAiBaseUrl, apiKey })
      const response = await ask(on, stream)
      expect(await response.text()).toContain('from the second key')
      // The same model answered, so nothing is degraded; nobody has waited.
      expect([response.headers.get('x-spillway-degraded'), clock.sleeps]).toEqual([null, []])
      expect(keysSeen(upstream.requests)).toEqual(['Bearer key-a', 'Bearer key-b'])
      expect(attemptsOf(on)).toEqual([
        ['big', 0, 'model_rate_limited'],
        ['big', 1, null],
      ])
    },
  )

  it('lets a limited key rest by itself, then takes the one that was limited longest ago', async () => {
    const upstream = await cloud(limited('5'))
    upstream.otherwise(openAiText('ok'))
    const { on, clock } = await withBig({ baseUrl: upstream.openAiBaseUrl, apiKey })
    await (await ask(on)).text()
    await (await ask(on)).text()
    await clock.advance(6000)
    // The first is back, and the second was never limited.
    await (await ask(on)).text()
    upstream.enqueue(limited('5'))
    await (await ask(on)).text()
    await clock.advance(6000)
    await (await ask(on)).text()
    const [a, b] = ['Bearer key-a', 'Bearer key-b']
    expect(keysSeen(upstream.requests)).toEqual([a, b, b, b, b, a, a])
  })

  it('asks the others when a key is refused, and asks the refused one last from then on', async () => {
    const upstream = await cloud(openAiError(401, 'no such key'))
    upstream.otherwise(openAiText('ok'))
    const { on } = await withBig({ baseUrl: upstream.openAiBaseUrl, apiKey })
    expect((await ask(on)).status).toBe(200)
    expect((await ask(on)).status).toBe(200)
    expect(keysSeen(upstream.requests)).toEqual(['Bearer key-a', 'Bearer key-b', 'Bearer key-b'])
  })

  it('is limited when all of them are, for as long as the first is', async () => {
    const upstream = await cloud(limited('90'), limited('70'))
    const { on } = await withBig({ baseUrl: upstream.openAiBaseUrl, apiKey })
    const first = await ask(on)
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '70'])
    const second = await ask(on)
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '70'])
    expect(upstream.requests).toHaveLength(2)
  })

  it('counts every key as an attempt after the first', async () => {
    const upstream = await cloud(limited('60'), limited('60'), limited('60'), openAiText('too late'))
    const { on } = await withBig({
      baseUrl: upstream.openAiBaseUrl,
      apiKey: [...apiKey, '${env:KEY_C}', '${env:KEY_A}'],
    })
    expect((await ask(on)).status).toBe(429)
    expect(upstream.requests).toHaveLength(3)
  })

  it('works with those of its keys that are set', async () => {
    const upstream = await cloud(openAiText('ok'))
    const { on } = await withBig({ baseUrl: upstream.openAiBaseUrl, apiKey: ['${env:NOT_SET}', '${env:KEY_B}'] })
    expect((await ask(on)).status).toBe(200)
    expect(keysSeen(upstream.requests)).toEqual(['Bearer key-b'])
  })
})

describe('a model in several regions', () => {
  it('is asked in the next one when the first is away, with the key that belongs there', async () => {
    const [here, there] = [await cloud(openAiError(503, 'maintenance')), await cloud(openAiText('from there'))]
    const { on } = await withBig({
      baseUrl: here.openAiBaseUrl,
      apiKey: '${env:KEY_A}',
      regions: [{ baseUrl: there.openAiBaseUrl, apiKey: '${env:KEY_B}' }],
    })
    expect(await (await ask(on)).text()).toContain('from there')
    expect([keysSeen(here.requests), keysSeen(there.requests)]).toEqual([['Bearer key-a'], ['Bearer key-b']])
    // The ledger names where the bytes went, each time.
    const rows = on.router.audit({ newestFirst: true, limit: 1 })[0]?.egress.map(({ destination }) => destination)
    expect(rows).toEqual([new URL(here.url).host, new URL(there.url).host])
  })

  it('gets no text that may not go to all of them', async () => {
    const [here, there] = [await cloud(), await cloud()]
    const on = await gatewayOnCloud({
      policy: {
        models: {
          big: {
            provider: 'openai',
            model: 'm',
            tier: 'frontier',
            baseUrl: here.openAiBaseUrl,
            regions: [{ baseUrl: there.openAiBaseUrl }],
          },
        },
        privacy: { destinations: [new URL(here.url).host] },
      },
    })
    const response = await ask(on)
    expect([response.status, await response.text()]).toEqual([409, expect.stringContaining('destination_not_allowed')])
    expect([here.requests, there.requests]).toEqual([[], []])
  })
})

describe('a chain of models', () => {
  const priced = { priceUsdPerMillion: { input: 10, output: 20 } } as const

  it('asks the frontier when local_quality times out, and books what that costs', async () => {
    const [slow, upstream] = [await cloud(), await cloud(openAiText('from the frontier'))]
    slow.otherwise('hang')
    const on = await gatewayOnCloud({
      policy: {
        models: {
          slow: { provider: 'openai', model: 'm', tier: 'local_quality', baseUrl: slow.openAiBaseUrl },
          big: { provider: 'openai', model: 'm', tier: 'frontier', baseUrl: upstream.openAiBaseUrl, ...priced },
        },
        tasks: { chat: { local: 'slow', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } },
        defaults: { task: 'chat' },
        deadlines: { local_quality: { firstByte: 100, total: 400 } },
        budgets: { day: 1 },
      },
    })
    const response = await ask(on)
    expect(await response.text()).toContain('from the frontier')
    expect(response.headers.get('x-spillway-reason')).toBe('local_timeout')
    const [record] = on.router.audit({ newestFirst: true, limit: 1 })
    expect(record).toMatchObject({ route: 'frontier', reason: 'local_timeout', outcome: 'accepted' })
    expect(record?.attempts).toMatchObject([
      { model: 'slow', tier: 'local_quality', outcome: 'failed', error: 'model_timeout', costUsd: 0 },
      { model: 'big', outcome: 'answered', usage: { inputTokens: 11, outputTokens: 7 } },
    ])
    expect(record?.costUsd).toBeCloseTo((11 * 10 + 7 * 20) / 1e6, 12)
    await on.closeRouter()
    expect(bookedUsd(on.folder)).toBeCloseTo((11 * 10 + 7 * 20) / 1e6, 6)
  })

  it.each([
    [0.55, 'frontier', 'confidence_low'],
    [0.92, 'local', 'local_accepted'],
  ])('sends an answer of quality %d to the %s: %s', async (probability, route, reason) => {
    const upstream = await cloud(openAiText('bug'))
    const decisions = [{ probabilities: { bug: probability, question: 1 - probability } }]
    const on = await gatewayOnCloud({
      policy: {
        models: {
          small: SMALL,
          big: { provider: 'openai', model: 'm', tier: 'frontier', baseUrl: upstream.openAiBaseUrl },
        },
        tasks: {
          triage: {
            kind: 'choice',
            labels: ['bug', 'question'],
            minConfidence: 0.7,
            local: 'small',
            frontier: 'big',
            stage: 'accept',
            accept: { uncalibrated: true },
          },
        },
        defaults: { task: 'triage' },
      },
      router: { models: { small: scriptedModel({ name: 'small', decisions }) } },
    })
    const response = await ask(on)
    const body = (await response.json()) as { choices: { message: { content: string } }[] }
    expect(body.choices[0]?.message.content).toBe('bug')
    const [record] = on.router.audit({ newestFirst: true, limit: 1 })
    expect(record).toMatchObject({ route, reason })
    expect(record?.verdicts).toContainEqual(
      expect.objectContaining({ gate: 'confidence', accepted: route === 'local', score: probability, threshold: 0.7 }),
    )
    expect(upstream.requests).toHaveLength(route === 'frontier' ? 1 : 0)
  })

  it.each([false, true])(
    'of three frontiers, two of them limited: the third answers, marked degraded (stream: %s)',
    async (stream) => {
      const up = await faultyUpstreams({ clouds: [[limited('60')], [limited('60')], []] })
      up.clouds[2]?.otherwise(openAiText('from c'))
      const first = await up.chat({ stream })
      expect(await first.text()).toContain('from c')
      expect([first.headers.get('x-spillway-degraded'), first.headers.get('x-spillway-model')]).toEqual(['true', 'c'])
      expect(up.record()).toMatchObject({
        decision: { degraded: true, model: 'c' },
        attempts: [
          { model: 'a', error: 'model_rate_limited' },
          { model: 'b', error: 'model_rate_limited' },
          { model: 'c', outcome: 'answered' },
        ],
      })
      await up.clock.advance(1)
      // While the others rest they are not asked, and the answer is no less a substitute.
      const second = await up.chat({ stream })
      expect([await second.text(), second.headers.get('x-spillway-degraded')]).toEqual([
        expect.stringContaining('from c'),
        'true',
      ])
      expect(up.record().attempts).toMatchObject([{ model: 'c', outcome: 'answered' }])
      expect(up.clouds.map(({ requests }) => requests.length)).toEqual([1, 1, 2])
      // Nothing is degraded once the first choice is back.
      await up.clock.advance(61_000)
      up.clouds[0]?.enqueue(openAiText('from a'))
      const third = await up.chat({ stream })
      expect([await third.text(), third.headers.get('x-spillway-degraded')]).toEqual([
        expect.stringContaining('from a'),
        null,
      ])
    },
  )

  it.each([
    [0, 1],
    [1, 2],
    [2, 3],
  ])('makes %d attempts after the first, over all models', async (maxFallbackAttempts, calls) => {
    const broken = openAiError(500, 'broken')
    const up = await faultyUpstreams({
      clouds: [[broken], [broken], [broken], [broken]],
      policy: { routing: { maxFallbackAttempts } },
    })
    expect((await up.chat()).status).toBeGreaterThanOrEqual(500)
    expect(up.clouds.map(({ requests }) => requests.length)).toEqual(
      [1, 1, 1, 1].map((one, index) => (index < calls ? one : 0)),
    )
    expect(up.record().attempts).toHaveLength(calls)
  })
})

describe('a model that may have one call at a time', () => {
  it('answers those who wait one after the other, and is busy to those for whom it takes too long', async () => {
    let [running, most] = [0, 0]
    const release = Promise.withResolvers<void>()
    const upstream = await cloud()
    upstream.otherwise((request) => {
      running += 1
      most = Math.max(most, running)
      return {
        ...(openAiText('ok') as (request: RecordedRequest) => ScriptedReply)(request),
        before: async () => {
          await release.promise
          running -= 1
        },
      }
    })
    const big = {
      provider: 'openai',
      model: 'm',
      tier: 'frontier',
      baseUrl: upstream.openAiBaseUrl,
      maxConcurrent: 1,
    } as const
    const patient = await gatewayOnCloud({ policy: { models: { big }, deadlines: { frontier: { connect: 60_000 } } } })
    const all = [ask(patient), ask(patient), ask(patient)]
    await upstream.request(0)
    release.resolve()
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(most).toBe(1)
  })

  it('is passed over for the next model once the wait is over', async () => {
    const [upstream, other] = [await cloud(), await cloud()]
    upstream.otherwise('hang')
    other.otherwise(openAiText('from the other'))
    const at = (one: ScriptedCloud) =>
      ({ provider: 'openai', model: 'm', tier: 'frontier', baseUrl: one.openAiBaseUrl }) as const
    const on = await gatewayOnCloud({
      policy: {
        models: { big: { ...at(upstream), maxConcurrent: 1 }, next: at(other) },
        tasks: { direct: { pattern: 'direct', local: false, frontier: ['big', 'next'] } },
        deadlines: { frontier: { connect: 50, total: 60_000 } },
      },
    })
    void ask(on).catch(() => undefined)
    await upstream.request(0)
    expect(await (await ask(on)).text()).toContain('from the other')
    expect(attemptsOf(on)).toEqual([
      ['big', undefined, 'model_busy'],
      ['next', undefined, null],
    ])
  })
})

function bookedUsd(folder: string): number {
  const budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  const [day] = budgets.list()
  budgets.close()
  return day?.takenUsd ?? 0
}
