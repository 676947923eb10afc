/** A kind of private data that the policy keeps here keeps the request here, whatever field it stands in. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Body,
  CHAT_PLACES,
  MESSAGES_PLACES,
  PATTERNS,
  RESPONSES_PLACES,
  withDecoded,
} from '../support/body-places.ts'
import { anthropicText, openAiText } from '../support/cloud-answers.ts'
import { claudeAt, closeAll, gatewayOnCloud } from '../support/gateway-on-cloud.ts'

afterEach(closeAll)

const KINDS = ['email', 'card', 'iban'] as const
const DOORS = [
  ['/v1/chat/completions', 'big', CHAT_PLACES],
  ['/v1/messages', 'claude', MESSAGES_PLACES],
  ['/v1/messages', 'big', MESSAGES_PLACES],
  ['/v1/responses', 'big', RESPONSES_PLACES],
] as const

async function opened(frontier: 'big' | 'claude') {
  const on = await gatewayOnCloud({
    policy: (cloud) => ({
      models: { claude: claudeAt(cloud) },
      tasks: { direct: { pattern: 'direct', local: false, frontier } },
      privacy: { localOnly: { detect: [...KINDS] } },
      routing: { maxFallbackAttempts: 0 },
    }),
  })
  on.cloud.otherwise(frontier === 'big' ? openAiText('fine') : anthropicText('fine'))
  const send = async (path: string, body: Body): Promise<{ readonly status: number; readonly text: string }> => {
    const response = await fetch(`${on.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${on.gateway.key}` },
      body: JSON.stringify({ model: 'auto', ...(path === '/v1/messages' && { max_tokens: 50 }), ...body }),
    })
    return { status: response.status, text: await response.text() }
  }
  return { ...on, send }
}

describe('a kind of data in privacy.localOnly.detect', () => {
  it.each(DOORS)('at %s before %s never leaves, in whatever field', async (path, frontier, places) => {
    const { send, cloud } = await opened(frontier)
    const answered: string[] = []
    const others: string[] = []
    let n = 0
    for (const [place, body] of Object.entries(places)) {
      for (const kind of KINDS) {
        const marker = PATTERNS[kind](++n)
        const { status, text } = await send(path, body(marker))
        if (status === 200) answered.push(`${kind} in ${place}`)
        else if (!text.includes('may not leave this machine')) others.push(place)
      }
    }
    expect(answered).toEqual([])
    // Names of tools have a form of their own, which none of the markers has.
    expect([...new Set(others)].filter((place) => place !== 'name of a tool')).toEqual([])
    expect(cloud.requests.map(({ text }) => text)).toEqual([])
  })

  it.each(DOORS)('at %s before %s lets the same bodies out without it', async (path, frontier, places) => {
    const { send, cloud } = await opened(frontier)
    const held: string[] = []
    for (const [place, body] of Object.entries(places)) {
      const { status, text } = await send(path, body('plain_words'))
      // A few blocks have no meaning in the dialect of the upstream.
      if (status !== 200 && !text.includes('it cannot be sent to a model of provider')) held.push(`${place}: ${text}`)
    }
    expect(held).toEqual([])
    expect(cloud.requests.length).toBeGreaterThan(Object.keys(places).length * 0.8)
    expect(withDecoded(cloud.requests.map(({ text }) => text).join('\n'))).toContain('plain_words')
  })
})
