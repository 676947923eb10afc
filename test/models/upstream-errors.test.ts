import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalError, reportedError, retryAfterSeconds } from '../../src/models/upstream-errors.ts'

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0)

describe('the time to wait that a provider names [F03]', () => {
  it.each([
    [{ 'retry-after': '2' }, 2],
    [{ 'retry-after': ' 1.5 ' }, 1.5],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 0.25],
    [{ 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' }, 30],
    [{ 'retry-after': 'Thu, 01 Jan 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after': '86400' }, 3600],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' }, 3600],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '' }, null],
    [{}, null],
  ] as const)('%j is %s s', (headers, seconds) => {
    expect(retryAfterSeconds(headers, NOW)).toBe(seconds)
  })

  it('is between 0 and an hour, or unknown, whatever stands in the headers', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        const seconds = retryAfterSeconds({ 'retry-after-ms': first, 'retry-after': second }, NOW)
        expect(seconds === null || (seconds >= 0 && seconds <= 3600)).toBe(true)
      }),
    )
  })

  it('goes with a 503 as well as with a 429', () => {
    const refusal = { model: 'm', headers: { 'retry-after': '3' }, body: '', apiKey: null, nowMs: NOW }
    expect(refusalError({ ...refusal, status: 503 }).retryAfterSeconds).toBe(3)
    expect(refusalError({ ...refusal, status: 429 }).retryAfterSeconds).toBe(3)
  })
})

describe('the words of a provider', () => {
  it.each([
    ['{"error":{"message":"one"}}', 'one'],
    ['{"error":"two"}', 'two'],
    ['{"message":"three"}', 'three'],
    ['{"detail":"four"}', 'four'],
    ['not json', 'no message'],
    ['null', 'no message'],
  ])('in %s are found', (body, words) => {
    const error = refusalError({ model: 'm', status: 400, headers: {}, body, apiKey: null, nowMs: NOW })
    expect(error.message).toBe(`The provider of model m refused the request (HTTP 400): ${words}.`)
  })

  it('never hold the key, wherever the provider puts it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const text = `${before}KEY-9f8e7d${after}`
        const refused = refusalError({
          model: 'm',
          status: 400,
          headers: {},
          body: JSON.stringify({ error: { message: text } }),
          apiKey: 'KEY-9f8e7d',
          nowMs: NOW,
        })
        const reported = reportedError('m', { message: text, type: text }, 'KEY-9f8e7d')
        expect(refused.message + reported.message).not.toContain('9f8e7d')
      }),
    )
  })

  it('of a rate limit inside a stream make a rate limit', () => {
    expect(reportedError('m', { type: 'rate_limit_error', message: 'x' }, null).code).toBe('model_rate_limited')
  })
})
