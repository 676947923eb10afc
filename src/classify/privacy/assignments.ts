/** Finds values that are secrets by the name they are given to. Pure, linear. */
import { isPasswordWord } from './placeholders.ts'
import type { PrivateSpan } from './private-span.ts'
import type { Scan } from './scan.ts'

/** Names whose value is a secret by meaning, also as a part: `DB_PASSWORD`, `clientSecret`, `x-api-key`. */
const SECRET_NAME =
  'pass(?:word|wd|phrase|code)?|pwd|secret|token|api[ _-]?key|apikey|access[ _-]?key|auth[ _-]?key|private[ _-]?key|encryption[ _-]?key|signing[ _-]?key|master[ _-]?key|client[ _-]?secret|credentials?|creds|kennwort|passwort|contraseña'

/** Issuers whose keys have no form of their own: a random value right after the name is one. */
const ISSUERS =
  'adafruit|adobe|airtable|alibaba|asana|bitbucket|bittrex|bintray|jfrog|artifactory|meraki|cloudflare|codecov|cohere|coinbase|confluence|confluent|atlassian|jira|contentful|discord|droneci|dropbox|etsy|facebook|fastly|finicity|finnhub|flickr|freshbooks|gitter|heroku|hubspot|intercom|jenkins|kraken|kucoin|launchdarkly|linkedin|lob|looker|mattermost|messagebird|mistral|netlify|new_?relic|nytimes|okta|openai|plaid|rapidapi|sendbird|sendinblue|sentry|sidekiq|snyk|sonar(?:qube)?|squarespace|sumo(?:logic)?|telegram|travis|trello|twilio|twitch|twitter|vercel|yandex|zendesk|algolia|datadog|pagerduty|together|fireworks|deepseek|contribsys'

/** Every name begins with one of these. */
const NAME_WORDS = [
  'pass',
  'pwd',
  'secret',
  'token',
  'apikey',
  'credential',
  'creds',
  'kennwort',
  'contrase',
  ...['api', 'access', 'auth', 'private', 'encryption', 'signing', 'master'].flatMap((word) =>
    [' key', '_key', '-key', 'key'].map((key) => word + key),
  ),
]
const ISSUER_WORDS = ISSUERS.replaceAll('(?:qube)?', '')
  .replaceAll('(?:logic)?', '')
  .split('|')
  .flatMap((word) => (word === 'new_?relic' ? ['newrelic', 'new_relic'] : word))

/** What has to be sought for `assignmentsIn`. */
export const ASSIGNMENT_WORDS: readonly string[] = [...NAME_WORDS, ...ISSUER_WORDS]

const OPERATOR = '["\'`\\])]{0,2}\\s{0,4}(?:=>|:=|:{1,3}=?|\\|\\|:?|\\?=|=|>|,)\\s{0,4}["\'`]{0,3}'
const VALUE = '([^\\s"\'`,;<>(){}\\[\\]|\\\\]{8,512})'

const ASSIGNMENT = new RegExp(`(?:${SECRET_NAME})[\\w.-]{0,20}${OPERATOR}${VALUE}`, 'iy')
const ISSUER_VALUE = new RegExp(`(?:${ISSUERS})[\\w .-]{0,20}${OPERATOR}${VALUE}`, 'iy')

/** Shannon entropy in bits per character: words and names lie under 3.0, random base 36 of 16 letters over 3.2. */
const MIN_ENTROPY_BITS = 3

/** @param first the scan's number of the first of `ASSIGNMENT_WORDS` */
export function assignmentsIn(text: string, scan: Scan, first: number): readonly PrivateSpan[] {
  if (scan.keywords.size === 0) return []
  const issuers = first + NAME_WORDS.length
  const named = placesOf(scan, first, issuers).flatMap((place) => valueAt(ASSIGNMENT, text, place, looksNamed))
  const issued = placesOf(scan, issuers, issuers + ISSUER_WORDS.length).flatMap((place) =>
    valueAt(ISSUER_VALUE, text, place, looksRandom),
  )
  return [...named, ...issued]
}

/** Where the keywords of these numbers are, `end` exclusive. */
function placesOf({ keywords }: Scan, start: number, end: number): readonly number[] {
  const places: number[] = []
  for (let number = start; number < end; number++) places.push(...(keywords.get(number) ?? []))
  return places
}

/** Keys and tokens are longer than passwords. */
const MIN_KEY = 10

function looksNamed(value: string, whole: string): boolean {
  const isKey = /^[^:=>]{0,40}(?:key|token)/i.test(whole) && !/^(?:pass|pwd|kennwort|contrase)/i.test(whole)
  return looksLikePassword(value) && (!isKey || value.length >= MIN_KEY)
}

function valueAt(
  pattern: RegExp,
  text: string,
  place: number,
  looksSecret: (value: string, whole: string) => boolean,
): readonly PrivateSpan[] {
  pattern.lastIndex = place
  const match = pattern.exec(text)
  const value = match?.[1]
  if (!match || value === undefined || !looksSecret(value, match[0]) || isIdentifier(match[0], value)) return []
  const start = match.index + match[0].lastIndexOf(value)
  return [{ kind: 'secret', detector: 'assignment', start, end: start + value.length }]
}

/** A UUID under a name that ends in `id` names a thing and opens nothing. */
function isIdentifier(whole: string, value: string): boolean {
  const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
  return isUuid && /id["'`\])]{0,2}\s{0,4}[^\w\s]{1,4}\s{0,4}["'`]{0,3}$/i.test(whole.slice(0, -value.length))
}

/** Templates, references, paths, addresses and code are not values. */
const PLACEHOLDER =
  /^(?:\$|%|\{|<|\*{3}|x{4,}|\.{3}|env[.:]|process\.|os\.|secrets?\.|vault:|arn:|https?:|\/|\.\/|~\/|null\b|none\b|true\b|false\b|undefined\b|your[-_]|example|changeme|redacted|dummy)/i

function looksLikePassword(value: string): boolean {
  if (isPasswordWord(value, null) || /^[a-z][a-z0-9+.-]{0,20}:\/\//i.test(value)) return false
  if (PLACEHOLDER.test(value) || /^[\w-]+(?:\.[\w-]+)+(?::\d+)?$/.test(value) || /[/@]\w+\.\w/.test(value)) return false
  if (entropyBits(value) < MIN_ENTROPY_BITS - 0.5) return false
  return /\d/.test(value) || /[^\w.-]/.test(value) || (value.length >= 16 && entropyBits(value) >= 3.5)
}

function looksRandom(value: string): boolean {
  if (PLACEHOLDER.test(value) || value.length < 10 || /^[\w-]+(?:\.[a-z]{2,}){1,4}(?::\d+)?$/.test(value)) return false
  // Digits alone cannot be as varied as letters.
  if (/^\d{15,}$/.test(value)) return entropyBits(value) >= MIN_ENTROPY_BITS - 0.5
  return /\d/.test(value) && entropyBits(value) >= MIN_ENTROPY_BITS
}

/** @see Shannon 1948, over the characters of the value */
function entropyBits(value: string): number {
  const counts = new Map<string, number>()
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}
