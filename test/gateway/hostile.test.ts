/** Hostile material at the socket; it lies beside the repository in some places only. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { adversarialRows } from '../support/adversarial.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { answering, exchange, post, statuses } from './raw-client.ts'

afterEach(closeGateways)

interface RawRow {
  readonly name: string
  readonly b64: string
  readonly expect?: string
}

const rawGateway = adversarialRows<RawRow>('raw_http_gateway.jsonl')
const rawParser = adversarialRows<RawRow>('raw_http_dev.jsonl')

describe.skipIf(rawGateway === null)('raw HTTP meant for gateways [F51] (skipped without the shared data)', () => {
  it.each(rawGateway ?? [])('$name is answered as expected', async ({ b64, expect: expected = '' }) => {
    const sample = answering()
    const gateway = await testGateway(sample.router, { requestTimeoutMs: 400, maxBodyBytes: 1_000_000 })
    const bytes = Buffer.from(
      Buffer.from(b64, 'base64').toString('latin1').replaceAll('Bearer test', `Bearer ${gateway.key}`),
      'latin1',
    )
    const answer = statuses(await exchange(gateway.port, bytes))
    expect(answer.filter((status) => status >= 500)).toEqual([])
    const allowed = [...expected.matchAll(/\b([1-5]\d\d)\b/g)].map((match) => Number(match[1]))
    const mayClose = /close|ignored|never/.test(expected)
    if (answer.length === 0) expect(`${expected}: closed`).toMatch(/close|400|408/)
    else if (allowed.length > 0 && !mayClose) expect(allowed).toContain(answer.at(-1))
    const refused = answer.length === 0 || answer.every((status) => status >= 400)
    if (refused) expect(sample.models.big?.calls).toEqual([])
  })
})

describe.skipIf(rawParser === null)('raw HTTP meant for parsers [F51] (skipped without the shared data)', () => {
  it('never leads to a 5xx, and the server answers afterwards', async () => {
    const sample = answering()
    const gateway = await testGateway(sample.router, { requestTimeoutMs: 300 })
    const answers = await Promise.all(
      (rawParser ?? []).map(({ b64 }) => exchange(gateway.port, Buffer.from(b64, 'base64'))),
    )
    expect(answers.flatMap(statuses).filter((status) => status >= 500)).toEqual([])
    expect(sample.models.big?.calls).toEqual([])
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })
})

interface JsonRow {
  readonly name: string
  readonly dialect: string
  readonly expect: string | number
  readonly body?: unknown
  readonly raw_b64?: string
  readonly why?: string
}

const llmBodies = adversarialRows<JsonRow>('bad_json/llm_requests.jsonl')?.filter(
  (row) => row.raw_b64 !== undefined || row.body !== undefined,
)
const PATHS: Readonly<Record<string, string>> = {
  'openai-chat': '/v1/chat/completions',
  'anthropic-messages': '/v1/messages',
}

describe.skipIf(llmBodies === undefined)('request bodies [F50] (skipped without the shared data)', () => {
  it.for(llmBodies ?? [])('$name is answered with $expect', async (row, { skip }) => {
    const { raw_b64, body, dialect } = row
    const expected = String(row.expect)
    const sample = answering()
    const gateway = await testGateway(sample.router, { unknownModel: 'error' })
    const response = await fetch(`${gateway.url}${PATHS[dialect]}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json', ...headersOf(row) },
      body: raw_b64 === undefined ? JSON.stringify(body) : Buffer.from(raw_b64, 'base64'),
    })
    skip(dialect !== 'openai-chat' && response.status === 404, `${PATHS[dialect]} is not served`)
    expect(response.status).toBeLessThan(500)
    if (response.status >= 400) expect(sample.models.big?.calls).toEqual([])
    const allowed = [...expected.matchAll(/\b([2-4]\d\d)\b/g)].map((match) => Number(match[1]))
    if (FOR_THE_PROVIDER.has(row.name)) expect([200, 400]).toContain(response.status)
    else if (allowed.length > 0)
      expect([
        ...allowed,
        ...(/passed|ignored|kept|last wins|clamped|no slowdown|or the check/.test(expected) ? [200] : []),
      ]).toContain(response.status)
  })
})

/** The API takes system messages among the others by now, and longer thinking than answers with one of its betas. */
const FOR_THE_PROVIDER: ReadonlySet<string> = new Set(['a-system-role', 'a-thinking-bad-budget'])

/** Those that a row is about stand in its words. */
function headersOf({ dialect, name, why = '' }: JsonRow): Record<string, string> {
  const beta = /^anthropic-beta: (\S+)$/.exec(why)?.[1]
  const isVersioned = dialect === 'anthropic-messages' && name !== 'a-no-version-header'
  return { ...(isVersioned && { 'anthropic-version': '2023-06-01' }), ...(beta && { 'anthropic-beta': beta }) }
}

interface SuiteRow {
  readonly name: string
  readonly expect: 'accept' | 'reject' | 'either'
  readonly b64?: string
  readonly repeat?: readonly [string, number]
}

const suite = adversarialRows<SuiteRow>('bad_json/jsontestsuite_dev.jsonl')

describe.skipIf(suite === null)('the JSON suite as bodies [F50] (skipped without the shared data)', () => {
  it('is refused with 400 or 413 throughout, since none of it is a chat request, and nothing breaks', async () => {
    const sample = answering()
    const gateway = await testGateway(sample.router)
    const wrong: string[] = []
    for (const row of suite ?? []) {
      const bytes = row.repeat ? Buffer.from(row.repeat[0].repeat(row.repeat[1])) : Buffer.from(row.b64 ?? '', 'base64')
      const { status } = await post(gateway, bytes)
      if (status !== 400 && status !== 413) wrong.push(`${row.name}: ${status}`)
    }
    expect(wrong).toEqual([])
    expect(sample.models.big?.calls).toEqual([])
  })
})

const naughty = naughtyStrings()

describe.skipIf(naughty === null)('naughty strings (skipped without the shared data)', () => {
  it('as prompt, model name and user are answered or refused, and never break a header', async () => {
    const gateway = await testGateway(answering().router)
    const wrong: string[] = []
    for (const text of naughty ?? []) {
      const body = { model: text, messages: [{ role: 'user', content: text }], metadata: { user: text, note: text } }
      const response = await post(gateway, JSON.stringify(body))
      await response.body?.cancel()
      const warning = response.headers.get('x-spillway-warning') ?? ''
      const isExpected = response.status === 200 || response.status === 400 || response.status === 409
      if (!isExpected || /[^\x20-\x7e]/.test(warning)) wrong.push(`${response.status} ${JSON.stringify(text)}`)
    }
    expect(wrong).toEqual([])
  })
})

/** @returns null where the material is absent */
function naughtyStrings(): readonly string[] | null {
  const file = resolve(import.meta.dirname, '../../../shared/data/adversarial/naughty_strings.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : null
}
