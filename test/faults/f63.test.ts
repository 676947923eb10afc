/** F63: private data in any field of a request, in answers that come in pieces, in a draft that is sent on. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { type ModelScript, scriptedModel } from '../../src/testing.ts'
import {
  type Body,
  CHAT_PLACES,
  MESSAGES_PLACES,
  PATTERNS,
  type Pattern,
  RESPONSES_PLACES,
  say,
  withDecoded,
} from '../support/body-places.ts'
import { anthropicText, openAiFrames, openAiText } from '../support/cloud-answers.ts'
import { claudeAt, closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream } from '../support/scripted-cloud.ts'

afterEach(closeAll)

const POLICY: PolicyInput = {
  privacy: { redact: ['secret', 'email', 'card', 'iban'] },
  cache: { exact: true },
  routing: { maxFallbackAttempts: 0 },
}

/** The doors that take text, what may stand in their bodies, and how many places of each that is. */
const DOORS = [
  ['/v1/chat/completions', 'openai', CHAT_PLACES, 38],
  ['/v1/messages', 'anthropic', MESSAGES_PLACES, 29],
  ['/v1/messages', 'openai', MESSAGES_PLACES, 29],
  ['/v1/responses', 'openai', RESPONSES_PLACES, 16],
] as const

async function send(
  { gateway }: GatewayOnCloud,
  body: Body,
  path = '/v1/chat/completions',
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ model: 'auto', ...(path === '/v1/messages' && { max_tokens: 50 }), ...body }),
  })
  return { status: response.status, text: await response.text() }
}

/** Everything that is on disk below a folder. */
function onDisk(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n')
}

/** A marker in whatever spelling it may have got on its way. */
function spellings(marker: string): readonly string[] {
  return [marker, encodeURIComponent(marker), Buffer.from(marker).toString('base64')]
}

function placesOf(on: GatewayOnCloud, trace: string): Readonly<Record<string, string>> {
  const sent = on.cloud.requests.map(({ text, headers, path }) => text + JSON.stringify(headers) + path).join('\n')
  return {
    cloud: withDecoded(sent),
    log: on.gateway.logLines.join('\n'),
    trace,
    disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
  }
}

function whereFound(marker: string, places: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(places)
    .filter(([, text]) => spellings(marker).some((spelling) => text.includes(spelling)))
    .map(([place]) => place)
}

describe('F63', () => {
  it.each(DOORS)(
    'at %s before %s: no marker of 5 patterns at the cloud, in logs, traces, the state directory or the cache',
    async (path, upstream, places, count) => {
      const on = await gatewayOnCloud({
        policy: (cloud) => ({
          ...POLICY,
          models: { claude: claudeAt(cloud) },
          tasks: { direct: { pattern: 'direct', local: false, frontier: upstream === 'openai' ? 'big' : 'claude' } },
        }),
      })
      on.cloud.otherwise(upstream === 'openai' ? openAiText('fine') : anthropicText('fine'))
      expect(Object.keys(places)).toHaveLength(count)
      const markers: {
        readonly place: string
        readonly pattern: string
        readonly marker: string
        readonly status: number
      }[] = []
      let n = 0
      for (const [place, body] of Object.entries(places))
        for (const pattern of Object.keys(PATTERNS) as Pattern[]) {
          const marker = PATTERNS[pattern](++n)
          const { status } = await send(on, body(marker), path)
          markers.push({ place, pattern, marker, status })
        }
      expect(markers.filter(({ status }) => status >= 500)).toEqual([])
      const trace = JSON.stringify(on.router.audit({}))
      await on.closeRouter()
      const everywhere = placesOf(on, trace)
      const found = markers.flatMap(({ place, pattern, marker }) =>
        whereFound(marker, everywhere).map((where) => `${pattern} in ${place} is in ${where}`),
      )
      expect(found).toEqual([])
      // Where a text can be masked the request is answered.
      expect(markers.filter(({ status }) => status === 200).length).toBeGreaterThan(markers.length / 2)
    },
  )

  it('a placeholder that the provider splits over pieces is put back for the client, and only for it', async () => {
    const on = await gatewayOnCloud({ policy: POLICY })
    const key = PATTERNS.provider_key(7777)
    const mail = PATTERNS.email(7778)
    for (let cut = 1; cut < 9; cut++) {
      const answer = `Use [secret_1] and write to [email_1].`
      const pieces = [...answer].reduce<string[]>((all, letter, index) => {
        if (index % cut === 0) all.push('')
        all[all.length - 1] += letter
        return all
      }, [])
      on.cloud.enqueue(eventStream(openAiFrames(pieces.map((content) => ({ content })))))
      const { text } = await send(on, { messages: say(`Attempt ${cut}: ${key} and ${mail}`), stream: true })
      const told = [...text.matchAll(/^data: (\{.*)$/gm)]
        .map(
          ([, json]) =>
            (JSON.parse(json ?? '') as { choices: { delta?: { content?: string } }[] }).choices[0]?.delta?.content,
        )
        .join('')
      expect(told).toBe(`Use ${key} and write to ${mail}.`)
    }
    const trace = JSON.stringify(on.router.audit({}))
    await on.closeRouter()
    const places = {
      cloud: on.cloud.requests.map(({ text }) => text).join('\n'),
      log: on.gateway.logLines.join('\n'),
      trace,
      disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
    }
    expect([...whereFound(key, places), ...whereFound(mail, places)]).toEqual([])
  })

  it.each(Object.keys(PATTERNS) as Pattern[])(
    'a local draft with a %s in pieces is sent on masked when it escalates',
    async (pattern) => {
      const marker = PATTERNS[pattern](8888)
      const text = [...`The answer is ${marker}, I think`].map(String)
      const script: ModelScript = { name: 'small', answers: () => ({ text, finishReason: 'length' }) }
      const on = await gatewayOnCloud({
        policy: {
          ...POLICY,
          models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
          tasks: { chat: { local: 'small', frontier: 'big', stage: 'accept', accept: { uncalibrated: true } } },
          defaults: { task: 'chat' },
        },
        router: { models: { small: scriptedModel(script) } },
      })
      on.cloud.otherwise(openAiText('fine'))
      const { status, text: body } = await send(on, { messages: say('What is it?') })
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({ spillway: { route: 'frontier' } })
      expect(on.cloud.requests).toHaveLength(1)
      const trace = JSON.stringify(on.router.audit({}))
      await on.closeRouter()
      const places = {
        cloud: on.cloud.requests.map(({ text: sent }) => sent).join('\n'),
        log: on.gateway.logLines.join('\n'),
        trace,
        disk: onDisk(on.folder) + onDisk(on.gateway.stateDir),
      }
      expect(whereFound(marker, places)).toEqual([])
    },
  )
})
