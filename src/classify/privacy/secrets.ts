/** Finds secrets and mail addresses in text. Pure, linear. */
import { SECRET_FORMATS } from './secret-formats.ts'

/** What `privacy.redact` may name. */
export type PrivateKind = 'secret' | 'email'

/** A private piece of a text: UTF-16 offsets, end exclusive. */
export interface PrivateSpan {
  readonly kind: PrivateKind
  /** The detector, for example `github` or `assignment`. */
  readonly detector: string
  readonly start: number
  readonly end: number
}

/** @returns the private pieces of the wanted kinds, in order, without overlap; the longest of overlapping ones counts */
export function findPrivate(text: string, kinds: readonly PrivateKind[]): readonly PrivateSpan[] {
  const spans = [
    ...(kinds.includes('secret') ? secretsIn(text) : []),
    ...(kinds.includes('email') ? emailsIn(text) : []),
  ]
  return withoutOverlap(spans)
}

/** RFC 5321 lengths; the name may not start inside a word or an address of another kind. */
const EMAIL =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}])/gu

function emailsIn(text: string): readonly PrivateSpan[] {
  if (!text.includes('@')) return []
  return [...text.matchAll(EMAIL)].map((match) => ({
    kind: 'email',
    detector: 'email',
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function secretsIn(text: string): readonly PrivateSpan[] {
  return [
    ...SECRET_FORMATS.flatMap(({ name, pattern }) => [...text.matchAll(pattern)].map((match) => spanOf(match, name))),
    ...assignmentsIn(text),
    ...kubernetesSecretsIn(text),
  ]
}

function spanOf(match: RegExpExecArray, detector: string): PrivateSpan {
  const secret = match[1] ?? match[0]
  const start = match.index + (match[1] === undefined ? 0 : match[0].lastIndexOf(match[1]))
  return { kind: 'secret', detector, start, end: start + secret.length }
}

/** Names whose value is a secret by meaning, also as a part: `DB_PASSWORD`, `clientSecret`, `x-api-key`. */
const SECRET_NAME =
  'pass(?:word|wd|phrase|code)?|pwd|secret|token|api[ _-]?key|apikey|access[ _-]?key|auth[ _-]?key|private[ _-]?key|encryption[ _-]?key|signing[ _-]?key|master[ _-]?key|client[ _-]?secret|credentials?|creds|kennwort|passwort|contraseña'

/** Issuers whose keys have no form of their own: a random value right after the name is one. */
const ISSUERS =
  'adafruit|adobe|airtable|alibaba|asana|bitbucket|bittrex|bintray|jfrog|artifactory|meraki|cloudflare|codecov|cohere|coinbase|confluent|contentful|discord|droneci|dropbox|etsy|facebook|fastly|finicity|finnhub|flickr|freshbooks|gitter|heroku|hubspot|intercom|jenkins|kraken|kucoin|launchdarkly|linkedin|lob|looker|mattermost|messagebird|mistral|netlify|new_?relic|nytimes|okta|openai|plaid|rapidapi|sendbird|sendinblue|sentry|sidekiq|snyk|sonar(?:qube)?|squarespace|sumo(?:logic)?|telegram|travis|trello|twilio|twitch|twitter|vercel|yandex|zendesk|algolia|datadog|pagerduty|together|fireworks|deepseek|contribsys'

const OPERATOR = '["\'`\\])]{0,2}\\s{0,4}(?:=>|:=|:{1,3}=?|\\|\\|:?|\\?=|=|>|,)\\s{0,4}["\'`]{0,3}'
const VALUE = '([^\\s"\'`,;<>(){}\\[\\]|\\\\]{8,512})'

const ASSIGNMENT = new RegExp(`(?<![a-z])[\\w.-]{0,40}?(?:${SECRET_NAME})[\\w.-]{0,20}${OPERATOR}${VALUE}`, 'gi')
const ISSUER_VALUE = new RegExp(`(?:${ISSUERS})[\\w .-]{0,20}${OPERATOR}${VALUE}`, 'gi')

/** Shannon entropy in bits per character: words and names lie under 3.0, random base 36 of 16 letters over 3.2. */
const MIN_ENTROPY_BITS = 3

function assignmentsIn(text: string): readonly PrivateSpan[] {
  const named = [...text.matchAll(ASSIGNMENT)].filter((match) => looksLikePassword(match[1] ?? ''))
  const issued = [...text.matchAll(ISSUER_VALUE)].filter((match) => looksRandom(match[1] ?? ''))
  return [...named, ...issued].map((match) => spanOf(match, 'assignment'))
}

/** Templates, references, paths, addresses and code are not values. */
const PLACEHOLDER =
  /^(?:\$|%|\{|<|\*{3}|x{4,}|\.{3}|env[.:]|process\.|os\.|secrets?\.|vault:|arn:|https?:|\/|\.\/|~\/|null\b|none\b|true\b|false\b|undefined\b|your[-_]|example|changeme|redacted|dummy)/i

function looksLikePassword(value: string): boolean {
  if (PLACEHOLDER.test(value) || /^[\w-]+(?:\.[\w-]+)+(?::\d+)?$/.test(value) || /[/@]\w+\.\w/.test(value)) return false
  if (entropyBits(value) < MIN_ENTROPY_BITS - 0.5) return false
  return /\d/.test(value) || /[^\w.-]/.test(value) || (value.length >= 16 && entropyBits(value) >= 3.5)
}

function looksRandom(value: string): boolean {
  if (PLACEHOLDER.test(value) || value.length < 10 || /^[\w-]+(?:\.[a-z]{2,}){1,4}(?::\d+)?$/.test(value)) return false
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

/** The data of a Kubernetes Secret is base64 under any name; only the object's kind tells. */
function kubernetesSecretsIn(text: string): readonly PrivateSpan[] {
  if (!/^\s{0,20}["']?kind["']?\s{0,4}:\s{0,4}["']?secret\b/im.test(text)) return []
  const entries = text.matchAll(
    /^[ \t]{1,20}(?:["']?[\w.-]{1,100}["']?[ \t]{0,4}:[ \t]{0,4})?["']?([A-Za-z0-9+/]{16,4096}={0,2})["']?,?[ \t]{0,20}$/gm,
  )
  return [...entries].map((match) => spanOf(match, 'kubernetes_secret'))
}

function withoutOverlap(spans: readonly PrivateSpan[]): readonly PrivateSpan[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end)
  const kept: PrivateSpan[] = []
  for (const span of sorted) {
    const last = kept.at(-1)
    if (last && span.start < last.end) {
      // Two detectors that cross cover one stretch; cutting either would leave a part of a secret.
      if (span.end > last.end) kept[kept.length - 1] = { ...last, end: span.end }
    } else kept.push(span)
  }
  return kept
}
