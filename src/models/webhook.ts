/** Posts one message to the webhook that the policy names, signed as Standard Webhooks say. */
import { createHmac } from 'node:crypto'
import { RouterError } from '../spec/errors.ts'
import { fetchFrom, reachOfUrl } from './dial.ts'

export interface WebhookSettings {
  readonly url: URL
  /** `whsec_` and the key in base64. */
  readonly secret: string
  readonly privateNetwork: boolean
  readonly proxy: URL | null
}

export interface WebhookMessage {
  /** The same for every try: receivers know by it what they had already. */
  readonly id: string
  readonly body: string
}

/**
 * One try: one connection, to the configured origin alone, no redirect.
 *
 * @param nowMs epoch milliseconds of this try; receivers refuse what is too old
 * @returns null when the receiver took it, else why it did not; without address and answer
 */
export async function postWebhook(
  { url, secret, privateNetwork, proxy }: WebhookSettings,
  { id, body }: WebhookMessage,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<string | null> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'spillway',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature(secret, `${id}.${timestamp}.${body}`),
  }
  try {
    const settings = { reach: reachOfUrl(url, privateNetwork), proxy }
    const response = await fetchFrom(url, { method: 'POST', headers, body, signal }, settings)
    await response.body?.cancel()
    return response.ok ? null : `it answered HTTP ${response.status}`
  } catch (error) {
    return signal.aborted ? 'it gave no answer in time' : problemOf(error)
  }
}

/** @see https://www.standardwebhooks.com, version 1: HMAC-SHA256, base64 */
function signature(secret: string, content: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}

/** Of what `fetch` throws the cause says what was wrong. */
function problemOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof RouterError) return at.message.replace(/\.$/, '')
    if ('code' in at && typeof at.code === 'string') return `the connection failed (${at.code})`
  }
  return 'the connection failed'
}
