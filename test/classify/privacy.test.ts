import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUnmasker, createVault, maskText, redactPreview, unmask } from '../../src/classify/privacy/mask.ts'
import { findPrivate } from '../../src/classify/privacy/secrets.ts'

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
    expect(unmasker.push('il_1] [x')).toBe('a@example.com ')
    expect(unmasker.push(' y')).toBe('[x y')
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

  it('cuts between characters', () => {
    expect(redactPreview('🦊🦊🦊', 2)).toBe('🦊🦊')
  })
})
