/** Values that stand in for a secret in examples and manuals. Pure. */

/** So many letters counted up in a row are typed, not drawn. */
const TYPED_RUN = 8

/** @returns true for examples: a word that says so, one letter all over, or letters counted up (`abcdefgh`, `12345678`) */
export function isExample(value: string): boolean {
  return /example/i.test(value) || /^\w{0,4}?(.)\1+$/.test(value) || risingRun(value) >= TYPED_RUN
}

function risingRun(value: string): number {
  let [longest, rising] = [1, 1]
  for (let at = 1; at < value.length; at++) {
    rising = value.charCodeAt(at) - value.charCodeAt(at - 1) === 1 ? rising + 1 : 1
    longest = Math.max(longest, rising)
  }
  return longest
}

/** What manuals write where a password belongs. */
const PASSWORD_WORD =
  /^(?:(?:my|your|the|some|test|db|user|root|admin|default|new|old)[-_]?)?(?:pass(?:word|wd|phrase)?|pwd|pw|secret|token|change[-_]?me|admin|root|user(?:name)?|guest|foo|bar|postgres|mysql|mongodb|redis)$/i
const CAPITALS = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/
/** Manuals of these write `user:password` in every address. */
const DATABASES = /^(?:mongodb|postgres|mysql|mariadb|redis|amqp|mssql|cassandra|jdbc)/

/**
 * @param scheme of the address the value stands in; null for a value by itself
 * @returns true for `password` in the address of a database, `YOUR_PASSWORD`, `1111` and their like
 */
export function isPasswordWord(value: string, scheme: string | null): boolean {
  if (CAPITALS.test(value) || /^(.)\1*$/.test(value) || value.length < 4) return true
  return PASSWORD_WORD.test(value) && (scheme === null || DATABASES.test(scheme))
}
