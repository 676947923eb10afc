import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { extractFields } from '../../src/classify/fields.ts'
import { findHardStops } from '../../src/classify/hard-stops.ts'
import { type PolicyInput, policySchema } from '../../src/spec/policy.ts'
import { GENUINE_LINES, HARMLESS_LINES } from './hard-stop-lines.ts'

const SHIPPED = policySchema.parse({}).hardStops
const LOGS = path.join(import.meta.dirname, '../../examples/logs')

function kindsIn(text: string, hardStops = SHIPPED): readonly string[] {
  return [...new Set(findHardStops([{ field: 'text', text }], hardStops).map(({ kind }) => kind))]
}

function stopsOf(hardStops: PolicyInput['hardStops']): typeof SHIPPED {
  return policySchema.parse({ hardStops }).hardStops
}

describe('the shipped hard stops', () => {
  it.each(GENUINE_LINES)('stop for %s: %s', (kind, line) => {
    expect(kindsIn(line)).toContain(kind)
  })

  it.each(HARMLESS_LINES)('let pass: %s', (line) => {
    expect(kindsIn(line)).toEqual([])
  })

  it.each([
    ['build', 'npm ERR! 401'],
    ['registry', 'GET /v2/ 403 Forbidden'],
  ])('stop the bare refusal of a %s', (_name, line) => {
    expect(kindsIn(line)).toEqual(['access'])
  })

  it('name access first when a refused registry also speaks of a security policy', () => {
    const log =
      'npm error 403 Forbidden - GET @acme/ui\nnpm error 403 a package version that is forbidden by your security policy'
    expect(kindsIn(log)[0]).toBe('access')
  })
})

describe('the example logs', () => {
  const expected = JSON.parse(readFileSync(path.join(LOGS, 'expected.json'), 'utf8')) as Record<
    string,
    { readonly label: string; readonly hardStop: string | null }
  >

  it('are twenty, each with its expectation', () => {
    const files = readdirSync(LOGS).filter((file) => file.endsWith('.log'))
    expect(files).toHaveLength(20)
    expect(Object.keys(expected).sort()).toEqual(files.sort())
  })

  it.each(Object.entries(expected))('%s stops exactly when it must', (file, { label, hardStop }) => {
    const kinds = kindsIn(readFileSync(path.join(LOGS, file), 'utf8'))
    if (label === 'access') expect(kinds).toContain('access')
    expect(kinds[0] ?? null).toBe(hardStop)
  })
})

describe('findHardStops', () => {
  const strict = stopsOf({
    access: [401, 'token', 'registry auth'],
    security: ['CVE-*', '.env'],
    except: ['unexpected token'],
  })

  it('takes plain terms strictly, as whole words', () => {
    expect(kindsIn('the token', strict)).toEqual(['access'])
    expect(kindsIn('error 401.', strict)).toEqual(['access'])
    expect(kindsIn('tokens, tokenizer, token_bucket, 4010, 1401', strict)).toEqual([])
  })

  it('finds terms of several words over punctuation, and as one compound word', () => {
    expect(kindsIn('registry-auth: RegistryAuth registry_auth', strict)).toEqual(['access'])
    expect(kindsIn('registry was down, auth was not', strict)).toEqual([])
  })

  it('ends a term with anything where a wildcard stands', () => {
    expect(kindsIn('fixes cve-2024-3094', strict)).toEqual(['security'])
    expect(kindsIn('cve list', stopsOf({ security: ['CVE*list'] }))).toEqual([])
  })

  it('matches leading punctuation literally', () => {
    expect(kindsIn('see .env', strict)).toEqual(['security'])
    expect(kindsIn('the env', strict)).toEqual([])
  })

  it('hides excepted phrases before it looks for terms', () => {
    expect(kindsIn('Unexpected token <', strict)).toEqual([])
    expect(kindsIn('Unexpected token <, then a token', strict)).toEqual(['access'])
  })

  it('asks for a context word in the same line and within reach', () => {
    const near = stopsOf({ access: [{ term: 'token', near: ['expired'] }] })
    expect(kindsIn('the token has long expired', near)).toEqual(['access'])
    expect(kindsIn('the token\nexpired', near)).toEqual([])
    expect(kindsIn(`the token ${'very '.repeat(40)} expired`, near)).toEqual([])
  })

  it('lets a harmless context word win', () => {
    const near = stopsOf({ access: [{ term: 'token', near: ['invalid'], notNear: ['json'] }] })
    expect(kindsIn('invalid token', near)).toEqual(['access'])
    expect(kindsIn('invalid token in json', near)).toEqual([])
  })

  it('counts a context phrase that overlaps the term, and never the term itself', () => {
    const near = stopsOf({ access: [{ term: '401', near: ['401', 'status'], notNear: ['401 rows'] }] })
    expect(kindsIn('status 401', near)).toEqual(['access'])
    expect(kindsIn('status 401 rows', near)).toEqual([])
    expect(kindsIn('only 401', near)).toEqual([])
  })

  it('does not take names in paths for events', () => {
    const near = stopsOf({ access: [], security: [{ term: 'auth', near: ['error'] }] })
    expect(kindsIn('auth: error', near)).toEqual(['security'])
    expect(kindsIn('src/auth/login.ts: error TS2339', near)).toEqual([])
  })

  it('does not stop in the line of a test that passed', () => {
    expect(kindsIn('✓ rejects with 403 Forbidden')).toEqual([])
    expect(kindsIn('✗ rejects with 403 Forbidden')).toEqual(['access'])
  })

  it('reads every field, and in instructions only plain terms', () => {
    const near = stopsOf({ access: ['401', { term: 'token', near: ['refused'] }] })
    const request = {
      messages: [
        { role: 'system', content: 'access: a token was refused' },
        { role: 'user', content: [{ type: 'image', url: 'data:,', alt: 'error 401' }] },
        { role: 'tool', content: 'token refused', name: '401' },
      ],
      tools: [
        {
          name: 'reader',
          description: 'may answer 401',
          parameters: { properties: { id: { description: 'not 401' } } },
        },
      ],
    } as const
    expect(findHardStops(extractFields(request), near)).toEqual([
      { kind: 'access', term: '401', field: 'messages[1].content[0].alt' },
      { kind: 'access', term: 'token', field: 'messages[2].content' },
      { kind: 'access', term: '401', field: 'messages[2].name' },
      { kind: 'access', term: '401', field: 'tools[0].description' },
      { kind: 'access', term: '401', field: 'tools[0].parameters' },
    ])
  })

  const CLEAN = 'the token expired'
  it.each([
    ['zero-width characters', [...CLEAN].join('\u200b')],
    ['soft hyphens', 'the to\u00adken ex\u00adpired'],
    ['capitals', 'THE TOKEN EXPIRED'],
    ['full width letters', 'ｔｈｅ ｔｏｋｅｎ ｅｘｐｉｒｅｄ'],
    ['Cyrillic look-alikes', 'thе tоkеn еxрirеd'],
    ['accents', 'thé tökén expîréd'],
    ['terminal colours', 'the \u001b[31mto\u001b[0mken expired'],
    ['digits for letters', 'th3 t0k3n 3xp1r3d'],
    ['HTML entities', 'the &#116;&#x6f;ken expired'],
    ['percent escapes', 'the %74%6F%6B%65%6E expired'],
    ['base64', `run ${Buffer.from(`please note: ${CLEAN}`).toString('base64')}`],
    ['tag characters', [...CLEAN].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join('')],
  ])('sees through %s', (_name, text) => {
    expect(kindsIn(text)).toEqual(['access'])
  })

  it('reads long hostile texts in linear time', () => {
    const small = timed('token '.repeat(10_000))
    const large = timed('token '.repeat(40_000))
    expect(large).toBeLessThan(40 * Math.max(small, 5))
  })

  function timed(text: string): number {
    const startedMs = performance.now()
    kindsIn(text)
    return performance.now() - startedMs
  }
})

describe('a term with words that excuse it', () => {
  it('stops without them, and needs none beside it', () => {
    const own = stopsOf({ security: [{ term: 'breach', notNear: ['drill'] }] })
    expect(kindsIn('a breach of the vault', own)).toContain('security')
    expect(kindsIn('a breach drill of the vault', own)).toEqual([])
  })
})

describe('parts of a message', () => {
  it('are values that a caller writes in whatever field, and no names', () => {
    const body = (fields: Readonly<Record<string, unknown>>) =>
      extractFields({
        messages: [{ role: 'user', content: 'Hi' }],
        wire: { dialect: 'openai_chat', body: { messages: [{ role: 'user', content: 'Hi' }], ...fields } },
      })
    const stopping = (fields: Readonly<Record<string, unknown>>) =>
      findHardStops(body(fields), SHIPPED).map(({ field }) => field)
    const DENIED = 'HTTP 403 Forbidden: permission denied'
    const choice = (value: string) => ({ type: 'object', properties: { permission_denied: { enum: [value] } } })
    expect(stopping({ tools: [{ type: 'function', function: { name: 'f', parameters: choice(DENIED) } }] })).toContain(
      'tools',
    )
    expect(stopping({ response_format: { json_schema: { schema: choice(DENIED) } } })).toContain('response_format')
    expect(stopping({ prediction: { content: DENIED } })).toContain('prediction')
    const file = `data:text/plain;base64,${Buffer.from(`the log says: ${DENIED}`).toString('base64')}`
    expect(stopping({ vendor: { file } })).toContain('messages')
    for (const name of [
      'permission_denied',
      'access_denied',
      'drop_table',
      'delete_production_database',
      'https://a.example/permission_denied',
    ])
      expect(
        stopping({ tools: [{ function: { name, parameters: choice(name) } }], metadata: { [name]: name } }),
      ).toEqual([])
  })

  it('are read when they are text, by their description when they are images, and not when they are files', () => {
    const content = [
      { type: 'text', text: 'one' },
      { type: 'image', url: 'data:image/png;base64,A', alt: 'two' },
      { type: 'image', url: 'data:image/png;base64,A' },
      { type: 'file', text: 'three' },
    ]
    const fields = extractFields({ messages: [{ role: 'user', content }] } as never)
    expect(fields.map(({ text }) => text)).toEqual(['one', 'two'])
  })
})
