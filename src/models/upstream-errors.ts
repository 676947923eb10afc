/** What a provider's refusal means to the router. */
import { RouterError } from '../spec/errors.ts'

export interface Refusal {
  readonly model: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Cut out of every text that is passed on. */
  readonly apiKey: string | null
  /** Epoch milliseconds, for a `Retry-After` that is a date. */
  readonly nowMs: number
}

/**
 * The error of an HTTP status outside 200 to 299.
 *
 * 401 and 403 -> `model_auth_failed`; 429 -> `model_rate_limited`; 408, 409, 425 and 5xx (529 included) ->
 * `model_failed`; every other status, redirects included -> `model_refused_request`.
 */
export function refusalError(refusal: Refusal): RouterError {
  const { model, status } = refusal
  if (status === 401 || status === 403) return new RouterError('model_auth_failed', { model, status })
  const wait = retryAfterSeconds(refusal.headers, refusal.nowMs)
  const named = { ...rateLimits(refusal.headers), ...(wait === null ? {} : { retryAfterSeconds: wait }) }
  if (status === 429) {
    const when = wait === null ? SOME_TIME : `in ${wait} s`
    return new RouterError('model_rate_limited', { model, status, when, ...named })
  }
  if (status >= 300 && status < 400)
    return new RouterError('model_refused_request', {
      model,
      status,
      problem: 'it redirects, and redirects are never followed',
    })
  if (status === LOOP)
    return new RouterError('model_refused_request', {
      model,
      status,
      problem: 'its address leads back to this gateway',
    })
  const problem = providerMessage(refusal)
  if (status < 500 && !PASSING_STATUSES.has(status))
    return new RouterError('model_refused_request', { model, status, problem })
  const values = { model, status, problem: `HTTP ${status}: ${problem}`, fix: PROVIDER_FIX }
  return new RouterError('model_failed', { ...values, ...named })
}

/** What a gateway answers to its own requests. @see RFC 5842, section 7.2 */
const LOOP = 508

/** Far more than any provider sends; a longer value is none of these. */
const MAX_RATE_LIMITS = 16
const RATE_LIMIT_VALUE = /^[\x21-\x7e]{1,64}$/

/** What the provider says of its own limits, by the names of the headers, so that a client learns how long to wait. */
function rateLimits(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const said = Object.entries(headers).filter(
    ([name, value]) => name.startsWith('x-ratelimit-') && RATE_LIMIT_VALUE.test(value),
  )
  return Object.fromEntries(said.slice(0, MAX_RATE_LIMITS))
}

/** The error of an error object inside a 200 answer or a stream; retryable. */
export function reportedError(model: string, report: unknown, apiKey: string | null): RouterError {
  const type = field(report, 'type') ?? field(report, 'code') ?? 'error'
  if (type === 'rate_limit_error') return new RouterError('model_rate_limited', { model, when: SOME_TIME })
  const message = typeof report === 'string' ? report : (field(report, 'message') ?? 'no message')
  const problem = `the provider reported ${cleaned(type, apiKey)}: ${cleaned(message, apiKey)}`
  return new RouterError('model_failed', { model, problem, fix: PROVIDER_FIX })
}

/**
 * Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date), between 0 and 3600; null when
 * neither is there or can be read.
 *
 * @see RFC 9110, section 10.2.3
 */
export function retryAfterSeconds(headers: Readonly<Record<string, string>>, nowMs: number): number | null {
  const milliseconds = decimal(headers['retry-after-ms'])
  if (milliseconds !== null) return clamped(milliseconds / 1000)
  const text = headers['retry-after']
  const seconds = decimal(text)
  if (seconds !== null) return clamped(seconds)
  // Date.parse also takes numbers and fragments that are no HTTP date; those start with a day name.
  const date = text !== undefined && /^[A-Za-z]{3}/.test(text.trim()) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? null : clamped((date - nowMs) / 1000)
}

/** For people, when the provider named no time. */
const SOME_TIME = 'in a few seconds'

/** An hour; a provider that says more is down for this request and the next. */
const MAX_RETRY_AFTER_SECONDS = 3600

/** Timeout, conflict and too early: the same request may pass a moment later. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 425])

const MAX_PROBLEM_CHARS = 300

const PROVIDER_FIX = 'Try again; if it stays, look at the status page of the provider.'

function providerMessage({ body, apiKey }: Refusal): string {
  const text = cleaned(messageIn(body), apiKey)
  return text === '' ? 'no message' : text
}

/** Both dialects put it at `error.message`; some servers at `error`, `message` or `detail`. Pages are not quoted. */
function messageIn(body: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return ''
  }
  const error = record(parsed)?.error
  const found = field(error, 'message') ?? (typeof error === 'string' ? error : null)
  return found ?? field(parsed, 'message') ?? field(parsed, 'detail') ?? ''
}

/** One line, at most 300 characters, without the key in use or anything with the shape of a key. */
function cleaned(text: string, apiKey: string | null): string {
  const withoutKey = apiKey === null || apiKey === '' ? text : text.replaceAll(apiKey, '[key]')
  const withoutKeys = withoutKey.replace(/\b(?:sk|pk|rk|gsk|key)[-_][\w*-]{6,}/g, '[key]')
  return withoutKeys
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, MAX_PROBLEM_CHARS)
}

function record(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
}

function field(value: unknown, name: string): string | null {
  const found = record(value)?.[name]
  if (typeof found === 'string') return found
  return typeof found === 'number' ? String(found) : null
}

function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null
}

function clamped(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS)
}
