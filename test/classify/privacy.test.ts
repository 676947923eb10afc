import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../../src/classify/privacy/find.ts'
import { keywordsOf } from '../../src/classify/privacy/keywords.ts'
import { fixedStarts } from '../../src/classify/privacy/literals.ts'
import { createUnmasker, createVault, maskText, redactPreview, unmask } from '../../src/classify/privacy/mask.ts'

/** Written in two halves, so that no scanner takes this file for a leak. */
const SECRETS: readonly (readonly [string, string])[] = [
  ['openai', `sk-${'proj-a1B2c3D4e5F6g7H8i9J0k1L2'}`],
  ['anthropic', `sk-ant-${'api03-a1B2c3D4e5F6g7H8i9J0-k1L2_m3N4'}`],
  ['aws_access_key', `AKIA${'IOSFODNN7ABCDEFG'}`],
  ['github', `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`],
  ['gitlab', `glpat-${'a1B2c3D4e5F6g7H8i9J0'}`],
  ['google', `AIza${'SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q'}`],
  ['slack', `xoxb-${'123456789012-a1B2c3D4e5F6'}`],
  ['stripe', `sk_live_${'a1B2c3D4e5F6g7H8'}`],
  ['npm', `npm_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`],
  ['pypi', `pypi-${'AgEIcHlwaS5vcmcCJDU3OTM1MjliLWIyYTYtNDEwOC05NzRkLTM0'}`],
  ['jwt', `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLWhlcmU'}`],
  ['private_key', `-----BEGIN RSA PRIVATE ${'KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----'}`],
]

const MIXED = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(...SECRETS.map(([, secret]) => secret)),
      fc.constantFrom(
        'a@example.com',
        '[secret_1]',
        '[literal_1]',
        '[secret_',
        '[',
        ']',
        ' ',
        '\n',
        'password="hunter2-hunter2"',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

describe('findPrivate', () => {
  it.each(SECRETS)('finds a %s secret and nothing beside it', (detector, secret) => {
    const text = `before ${secret} after`
    const found = findPrivate(text, ['secret'])
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual([secret])
    expect(found[0]?.detector).toBe(detector)
  })

  it.each([
    ['postgres://app:s3cr3t-Pw@db.example.com/x', 's3cr3t-Pw'],
    ['Authorization: Bearer a1B2c3D4e5F6g7H8', 'a1B2c3D4e5F6g7H8'],
    ['DB_PASSWORD="k9#fQ2!xZ7"', 'k9#fQ2!xZ7'],
    ['clientSecret: 8f4kd03mfk20dkf93kd0', '8f4kd03mfk20dkf93kd0'],
  ])('finds the value in %j', (text, value) => {
    expect(findPrivate(text, ['secret']).map(({ start, end }) => text.slice(start, end))).toEqual([value])
  })

  it.each([
    'API_KEY=${OPENAI_API_KEY}',
    'password: <your password>',
    'the token bucket refills',
    'request id 20807bbd-1bf6-5131-91a3-421f060fe7a6',
    'sha256:8f2ee064066d7b649f751d1e2dcdd4e84cc327bf8f2ee064066d7b649f751d1e',
    'sk-learn is a library',
    'token = parser.next()',
  ])('leaves alone: %s', (text) => {
    expect(findPrivate(text, ['secret'])).toEqual([])
  })

  it('finds mail addresses only when asked', () => {
    expect(findPrivate('write to jörg.b+x@mail.example.com.', ['email'])).toEqual([
      { kind: 'email', detector: 'email', start: 9, end: 34 },
    ])
    expect(findPrivate('write to a@example.com', ['secret'])).toEqual([])
  })
})

describe('personal data', () => {
  const IDENTIFIERS = ['email', 'phone', 'card', 'iban', 'national_id', 'ip'] as const
  const found = (text: string) =>
    findPrivate(text, IDENTIFIERS).map(({ kind, detector, start, end }) => [kind, detector, text.slice(start, end)])

  it.each([
    ['call +49 (0)30 123456-78 now', 'phone', 'phone', '+49 (0)30 123456-78'],
    ['call me: (555) 234-5678 x12', 'phone', 'phone', '(555) 234-5678 x12'],
    ['Tel. 2345 6789', 'phone', 'phone', '2345 6789'],
    ['my card 4111 1111 1111 1111.', 'card', 'card', '4111 1111 1111 1111'],
    ['pay to GB29 NWBK 6016 1331 9268 19 today', 'iban', 'iban', 'GB29 NWBK 6016 1331 9268 19'],
    ['DE89370400440532013000', 'iban', 'iban', 'DE89370400440532013000'],
    ['SSN 078-05-1121', 'national_id', 'us_ssn', '078-05-1121'],
    ['NINO AB 12 34 56 C', 'national_id', 'uk_nino', 'AB 12 34 56 C'],
    ['DNI 12345678Z', 'national_id', 'es_nif', '12345678Z'],
    ['born 131052-308T', 'national_id', 'fi_henkilotunnus', '131052-308T'],
    ['CPF 529.982.247-25', 'national_id', 'br_cpf', '529.982.247-25'],
    ['PESEL 44051401359', 'national_id', 'pl_pesel', '44051401359'],
    ['Aadhaar 2345 6789 1238', 'national_id', 'in_aadhaar', '2345 6789 1238'],
    ['NIR 2 55 08 14 168 025 38', 'national_id', 'fr_insee', '2 55 08 14 168 025 38'],
    ['from 10.0.0.12:8080', 'ip', 'ipv4', '10.0.0.12'],
    ['at 2001:db8::192.0.2.1 and on', 'ip', 'ipv6', '2001:db8::192.0.2.1'],
    ['on ::1 only', 'ip', 'ipv6', '::1'],
    ['мир@пример.xn--p1ai', 'email', 'email', 'мир@пример.xn--p1ai'],
  ])('is found in %j', (text, kind, detector, value) => {
    expect(found(text)).toEqual([[kind, detector, value]])
  })

  it.each([
    'card 4111 1111 1111 1112 fails its check',
    'IBAN GB29 NWBK 6016 1331 9268 18 fails its check',
    'DNI 12345678A fails its check',
    'on 2026-11-20 14:03:27 it took 1234567 ms',
    'version 1.2.3.4.5 of 10.15.7',
    'std::vector<int> and a::b',
    'order 0000 of 12345',
    'at 12:30:45 we met',
  ])('is not seen in %j', (text) => {
    expect(found(text)).toEqual([])
  })

  it('is taken for one thing only: a card that is not asked for is no telephone number', () => {
    expect(findPrivate('call 4111 1111 1111 1111', ['phone'])).toEqual([])
  })
})

describe('a secret in disguise', () => {
  const key = `sk-${'proj-a1B2c3D4e5F6g7H8i9J0k1L2'}`
  const masked = (text: string) => findPrivate(text, ['secret']).map(({ start, end }) => text.slice(start, end))

  it('is found with invisible characters inside, and they go with it', () => {
    const hidden = `${key.slice(0, 5)}\u200b${key.slice(5, 12)}\u{e0041}${key.slice(12)}`
    expect(masked(`use \u2060${hidden}\u200b now`)).toEqual([hidden])
  })

  it('is found in base64 and in URL encoding, one layer deep', () => {
    const base64 = Buffer.from(`password=${'k9#fQ2!xZ7-long-enough'}`).toString('base64')
    expect(masked(`data: ${base64}`)).toEqual([base64])
    const url = encodeURIComponent(`{"token":"${key}"}`)
    expect(masked(`see ?q=${url} there`)[0]).toContain(url.slice(0, 20))
    expect(masked(Buffer.from('the meeting was moved to another room on 12 May').toString('base64'))).toEqual([])
  })
})

describe('a look at a text', () => {
  it('finds every keyword wherever it stands, in one pass', () => {
    const words = ['he', 'she', 'his', 'hers', 'sk-']
    const keywords = keywordsOf(words)
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('he', 'SHE', 's', 'is', 'k-', ' ', 'é', 'hers'), { maxLength: 30 }),
        (parts) => {
          const text = parts.join('')
          const found: string[] = []
          keywords.each(text, (word, start) => found.push(`${word}@${start}`))
          const lower = text.toLowerCase()
          const wanted = words.flatMap((word, number) =>
            Array.from({ length: text.length }, (_, at) => at)
              .filter((at) => lower.startsWith(word, at))
              .map((at) => `${number}@${at}`),
          )
          expect(found.toSorted()).toEqual(wanted.toSorted())
        },
      ),
    )
  })

  it.each([
    ['sk-ant-(?:api|sid)\\d{2}-', ['sk-ant-api', 'sk-ant-sid']],
    ['gh[pou]_', ['ghp_', 'gho_', 'ghu_']],
    ['(?:A3T[A-Z0-9]|AKIA)', ['a3t', 'akia']],
    ['ya29\\.', ['ya29.']],
    ['xoxe(?:b)?-', ['xoxe']],
    ['[a-h0-9]{32}-', []],
    ['a', []],
  ])('knows how matches of %s begin', (source, starts) => {
    expect(fixedStarts(source)).toEqual(starts)
  })
})

describe('masking', () => {
  it('gives one value one placeholder in a vault', () => {
    const vault = createVault()
    expect(maskText('a@example.com, b@example.com, a@example.com', ['email'], vault)).toEqual({
      text: '[email_1], [email_2], [email_1]',
      count: 3,
    })
    expect(maskText('again b@example.com', ['email'], vault).text).toBe('again [email_2]')
  })

  it('is undone exactly', () => {
    fc.assert(
      fc.property(MIXED, MIXED, (first, second) => {
        const vault = createVault()
        const masked = [maskText(first, ['secret', 'email'], vault), maskText(second, ['secret', 'email'], vault)]
        expect(masked.map(({ text }) => unmask(text, vault))).toEqual([first, second])
      }),
      { numRuns: 1000 },
    )
  })

  it('leaves no secret in the masked text', () => {
    for (const [, secret] of SECRETS)
      expect(maskText(`x ${secret} y`, ['secret'], createVault()).text).toBe('x [secret_1] y')
  })

  it('is undone in a stream however it is cut', () => {
    fc.assert(
      fc.property(MIXED, fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 60 }), (text, sizes) => {
        const vault = createVault()
        const masked = maskText(text, ['secret', 'email'], vault).text
        const unmasker = createUnmasker(vault)
        let restored = ''
        let from = 0
        for (let turn = 0; from < masked.length; turn++) {
          const size = (sizes[turn % sizes.length] ?? 0) + 1
          restored += unmasker.push(masked.slice(from, from + size))
          from += size
        }
        expect(restored + unmasker.flush()).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  it('holds back only what may become a placeholder', () => {
    const vault = createVault()
    maskText('a@example.com', ['email'], vault)
    const unmasker = createUnmasker(vault)
    expect(unmasker.push('see [ema')).toBe('see ')
    expect(unmasker.push('il_1] [x')).toBe('a@example.com [x')
    expect(unmasker.push(' y')).toBe(' y')
    expect(unmasker.push('[secret')).toBe('')
    expect(unmasker.flush()).toBe('[secret')
  })
})

describe('redactPreview', () => {
  it('cuts after masking, so that no half of a secret stays', () => {
    const text = `key ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'} of a@example.com`
    expect(redactPreview(text, 240)).toBe('key [secret] of [email]')
    expect(redactPreview(text, 10)).toBe('key [secre')
  })

  it('masks what else is wanted', () => {
    const text = 'DE89370400440532013000 of a@example.com'
    expect(redactPreview(text, 240, { kinds: ['iban'] })).toBe('[iban] of [email]')
    expect(redactPreview(text, 240)).toBe('DE89370400440532013000 of [email]')
  })

  it('cuts between characters', () => {
    expect(redactPreview('🦊🦊🦊', 2)).toBe('🦊🦊')
  })
})
