import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../../src/classify/privacy/find.ts'
import { createUnmasker, createVault, maskText, unmask } from '../../src/classify/privacy/mask.ts'
import { createPlaceholderNumbers } from '../../src/pipeline/placeholder-numbers.ts'

const KEY = `sk-${'proj-a1B2c3D4e5F6g7H8i9J0k1L2'}`

describe('placeholders that a model wrote in its own way', () => {
  const vault = createVault()
  maskText('a@example.org, SSN 536-22-8714', ['email', 'national_id'], vault)

  it.each([
    ['[EMAIL_1]', 'a@example.org'],
    ['[Email 1]', 'a@example.org'],
    ['[ email-1 ]', 'a@example.org'],
    ['\\[email\\_1\\]', 'a@example.org'],
    ['\\\\[email\\\\_1\\\\]', 'a@example.org'],
    ['**[email_1]**', '**a@example.org**'],
    ['[national id_1]', '536-22-8714'],
    ['[National\\_ID\\_1]', '536-22-8714'],
    ['[email_01]', 'a@example.org'],
    ['[email_2]', '[email_2]'],
    ['[phone_1]', '[phone_1]'],
    ['[emails_1]', '[emails_1]'],
  ])('%s is restored as %s, whole and split at every place', (written, restored) => {
    expect(unmask(`to ${written}.`, vault)).toBe(`to ${restored}.`)
    for (let cut = 0; cut <= written.length; cut++) {
      const unmasker = createUnmasker(vault)
      const pieces = [unmasker.push(`to ${written.slice(0, cut)}`), unmasker.push(`${written.slice(cut)}.`)]
      expect(pieces.join('') + unmasker.flush()).toBe(`to ${restored}.`)
    }
  })

  it('that stand in the text already are kept as they are', () => {
    const own = createVault()
    const text = 'a@example.org is not [Email 1] nor \\[email\\_1\\]'
    const masked = maskText(text, ['email'], own).text
    expect(masked).toBe('[email_1] is not [literal_1] nor [literal_2]')
    expect(unmask(masked, own)).toBe(text)
  })
})

describe('the arguments of a tool call', () => {
  const secrets = ['quo"te-9Xk2!mQ', 'back\\slash-9Xk2', 'two\nlines-9Xk2']

  it.each(secrets)('hold %j with its escapes after restoring', (secret) => {
    const vault = createVault()
    vault.valueOf.set('[secret_1]', secret)
    const restored = unmask('{"password":"[secret_1]"}', vault, 'json')
    expect(JSON.parse(restored)).toEqual({ password: secret })
  })

  it('give a value the placeholder that it has in the text', () => {
    const vault = createVault()
    const pem = `-----BEGIN EC PRIVATE ${'KEY'}-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtL\n-----END EC PRIVATE ${'KEY'}-----`
    expect(maskText(`use ${pem}`, ['secret'], vault).text).toBe('use [secret_1]')
    const masked = maskText(
      JSON.stringify({ key: pem, to: 'x\nanna@example.org' }),
      ['secret', 'email'],
      vault,
      'json',
    ).text
    expect(JSON.parse(masked)).toEqual({ key: '[secret_1]', to: 'x\n[email_1]' })
    expect(JSON.parse(unmask(masked, vault, 'json'))).toEqual({ key: pem, to: 'x\nanna@example.org' })
  })

  it('stay JSON when a number is masked', () => {
    const vault = createVault()
    const masked = maskText('{"card": 4111111111111111, "n": 2}', ['card'], vault, 'json').text
    expect(JSON.parse(masked)).toEqual({ card: '[card_1]', n: 2 })
  })

  it('come back the same for any strings, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(KEY, 'a@example.org', 'x\n"b@example.org"\\')),
        ),
        fc.integer({ min: 1, max: 9 }),
        (values, size) => {
          const vault = createVault()
          const written = JSON.stringify(values)
          const masked = maskText(written, ['secret', 'email'], vault, 'json').text
          const unmasker = createUnmasker(vault, 'json')
          let restored = ''
          for (let from = 0; from < masked.length; from += size)
            restored += unmasker.push(masked.slice(from, from + size))
          expect(JSON.parse(restored + unmasker.flush())).toEqual(values)
        },
      ),
    )
  })
})

describe('numbers of placeholders', () => {
  const masked = (
    numbers: ReturnType<typeof createPlaceholderNumbers>,
    conversation: string,
    turns: readonly string[],
  ) => {
    const vault = createVault({ numbering: numbers.of(conversation) })
    return turns.map((turn) => maskText(turn, ['email'], vault).text)
  }

  it('stay the same over the requests of a conversation, also when older turns are cut off', () => {
    const numbers = createPlaceholderNumbers()
    expect(masked(numbers, 'one', ['a@example.org', 'b@example.org'])).toEqual(['[email_1]', '[email_2]'])
    expect(masked(numbers, 'one', ['b@example.org', 'c@example.org'])).toEqual(['[email_2]', '[email_3]'])
  })

  it('say nothing about another conversation, whose values are not restored', () => {
    const numbers = createPlaceholderNumbers()
    masked(numbers, 'one', ['a@example.org', 'b@example.org'])
    expect(masked(numbers, 'two', ['b@example.org'])).toEqual(['[email_1]'])
    const vault = createVault({ numbering: numbers.of('one') })
    maskText('b@example.org', ['email'], vault)
    expect(unmask('[email_1] [email_2]', vault)).toBe('[email_1] b@example.org')
  })
})

describe('a private piece in disguise', () => {
  const found = (text: string) =>
    findPrivate(text, ['secret', 'card', 'email', 'phone', 'iban']).map(({ start, end }) => text.slice(start, end))

  it.each([
    ['a look-alike letter in a key', `use ${KEY.replace('o', 'о')} now`, KEY.replace('o', 'о')],
    ['wide digits', 'card ４１１１ １１１１ １１１１ １１１１ x', '４１１１ １１１１ １１１１ １１１１'],
    ['digits of another script', 'card ٤١١١ ١١١١ ١١١١ ١١١١', '٤١١١ ١١١١ ١١١١ ١١١١'],
    [
      'spaces that do not break',
      'pay DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000 now',
      'DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000',
    ],
    ['dashes of print', 'tel +49\u201130\u20111234567', '+49\u201130\u20111234567'],
    ['a numbered entity', 'mail a&#64;example.com now', 'a&#64;example.com'],
    ['a named entity', 'mail a&commat;example.com now', 'a&commat;example.com'],
    ['an entity in hexadecimal', 'mail a&#x40;example.com now', 'a&#x40;example.com'],
  ])('is found behind %s, where it stands', (_name, text, piece) => {
    expect(found(text)).toEqual([piece])
  })
})
