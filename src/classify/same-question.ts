/** Whether two short questions ask the same in slightly other words. Pure; errs on the side of "no". */

/** A question without what does not change it. */
export interface PlainQuestion {
  /** Without greeting, politeness and contractions, lower case where case tells nothing. */
  readonly text: string
  /** Its words and signs in order, without articles: two questions with other ones never ask the same. */
  readonly words: string
}

/** UTF-16 units beyond which a text is more than a question. */
const MAX_CHARS = 400

/**
 * Takes greetings, politeness and ways of asking off an English question. Numbers, negations, names, directions, tenses and
 * every word that is not an article stay, so texts in other languages differ unless their words are the same.
 *
 * @returns null for texts that are no plain question: long ones, several lines, code, addresses
 */
export function plainQuestion(text: string): PlainQuestion | null {
  const trimmed = text.normalize('NFKC').trim()
  if (trimmed.length > MAX_CHARS || /[\p{C}`{}<>\\]|:\/\//u.test(trimmed)) return null
  const spoken = withoutContractions(trimmed.replace(/[‘’]/g, "'").replace(/[“”]/g, '"'))
  const tokens = withoutWayOfAsking(spoken.match(TOKEN) ?? [])
  const words = tokens.filter((token, at) => !isArticle(token, tokens[at + 1]))
  if (!words.some((word) => /\p{L}/u.test(word))) return null
  return { text: tokens.join(' '), words: words.join(' ') }
}

/** Numbers keep their signs and separators; of the other signs each stands for itself. */
const TOKEN = /[-+]?\p{N}+(?:[.,:/]\p{N}+)*|[\p{L}\p{M}\p{N}]+(?:['_-][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{N}]/gu

/**
 * Likeness of two plain questions: the cosine of their letter pairs and triples, spaces counted.
 *
 * @returns 0 (nothing in common) to 1 (the same)
 */
export function questionLikeness(left: PlainQuestion, right: PlainQuestion): number {
  if (left.text === right.text) return 1
  const [a, b] = [grams(left.text), grams(right.text)]
  const product = [...a].reduce((sum, [gram, count]) => sum + count * (b.get(gram) ?? 0), 0)
  return product / (Math.hypot(...a.values()) * Math.hypot(...b.values()))
}

function grams(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const padded = ` ${text} `
  for (const size of [2, 3])
    for (let at = 0; at + size <= padded.length; at++) {
      const gram = padded.slice(at, at + size)
      counts.set(gram, (counts.get(gram) ?? 0) + 1)
    }
  return counts
}

/** `'s` is a verb only after these; elsewhere it says whose. */
const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\bcan't\b/gi, 'can not'],
  [/\bcannot\b/gi, 'can not'],
  [/\bwon't\b/gi, 'will not'],
  [/\bshan't\b/gi, 'shall not'],
  [/n't\b/gi, ' not'],
  [/\b(what|who|where|when|how|that|there|here|it|he|she)'s\b/gi, '$1 is'],
  [/\b(you|we|they|what|who|there)'re\b/gi, '$1 are'],
  [/\bi'm\b/gi, 'i am'],
  [/\b(i|you|we|they)'ve\b/gi, '$1 have'],
  [/\b(i|you|we|they|he|she|it|that|what|who)'ll\b/gi, '$1 will'],
  [/\be-mail\b/gi, 'email'],
]

function withoutContractions(text: string): string {
  return CONTRACTIONS.reduce((spoken, [short, long]) => spoken.replace(short, long), text)
}

const OPENERS = phrases([
  'hi',
  'hello',
  'hey',
  'hi there',
  'hello there',
  'please',
  'thanks',
  'ok',
  'okay',
  'good morning',
  'good afternoon',
  'good evening',
])
const CLOSERS = phrases(['please', 'thanks', 'thank you', 'thank you very much', 'thanks a lot', 'many thanks'])
/** Before a question word, or before `how to`. */
const ASKING = phrases([
  'tell me',
  'can you tell me',
  'could you tell me',
  'would you tell me',
  'can you please tell me',
  'could you please tell me',
  'please tell me',
  'i want to know',
  'i would like to know',
  'i need to know',
  'do you know',
  'let me know',
])
/** Before anything that is to be done. */
const DOING = phrases(['can you please', 'could you please', 'would you please', 'can you', 'could you'])
/** What follows `can you` when something is asked for, rather than what can be done. */
const TASKS = new Set(
  'explain describe list write translate summarise summarize give show name compare define draft suggest rewrite'.split(
    ' ',
  ),
)
const HOW_TO = phrases([
  'how do i',
  'how can i',
  'how could i',
  'how do one',
  'how does one',
  'what is the way to',
  'what are the steps to',
  'show me how to',
])
const QUESTION_WORDS = new Set('what who whom whose where when why which how'.split(' '))
const PRONOUNS = new Set('it this that these those he she they we i you'.split(' '))
const FORMS_OF_BE = new Set('is are was were'.split(' '))
/** A question that opens with one of these is one without a question mark, too. */
const ASKING_VERBS = new Set(
  'is are was were do does did can could will would shall should may might must has have had am'.split(' '),
)

function phrases(texts: readonly string[]): readonly (readonly string[])[] {
  return texts.map((text) => text.split(' ')).toSorted((a, b) => b.length - a.length)
}

function withoutWayOfAsking(all: readonly string[]): readonly string[] {
  const polite = withoutClosers(withoutOpeners(all))
  const asking = startOf(polite, ASKING)
  const rest = polite.slice(asking)
  const isAsked = asking > 0 && QUESTION_WORDS.has(low(rest[0]))
  const asked = isAsked ? direct(rest) : withoutDoing(polite)
  const howTo = startOf(asked, HOW_TO)
  const started = howTo > 0 ? ['how', 'to', ...asked.slice(howTo)] : lowFirst(asked)
  return withoutLastSign(started, isAsked || asked.length < polite.length)
}

function withoutOpeners(tokens: readonly string[]): readonly string[] {
  const length = startOf(tokens, OPENERS)
  if (length === 0) return tokens
  const rest = tokens.slice(length)
  return rest.length === 0 ? tokens : withoutOpeners(/^[,.!-]$/.test(rest[0] ?? '') ? rest.slice(1) : rest)
}

function withoutClosers(tokens: readonly string[]): readonly string[] {
  const end = tokens.findLastIndex((token) => !/^[.!?]$/.test(token)) + 1
  const signs = tokens.slice(end)
  const said = tokens.slice(0, end)
  const closer = CLOSERS.find((phrase) => phrase.every((word, at) => low(said.at(at - phrase.length)) === word))
  if (!closer || said.length <= closer.length) return tokens
  const kept = said.slice(0, -closer.length)
  const [last = ''] = kept.slice(-1)
  // After a sign of its own the question has ended already: "Where is it? Thanks!"
  if (/^[.!?]$/.test(last)) return withoutClosers(kept)
  return withoutClosers([...(last === ',' ? kept.slice(0, -1) : kept), ...signs])
}

/** "what the capital of France is" becomes "what is the capital of France". */
function direct(tokens: readonly string[]): readonly string[] {
  const end = tokens.findLastIndex((token) => !/^[.!?]$/.test(token))
  const verb = low(tokens[end])
  const [word = '', ...rest] = tokens.slice(0, end)
  const isOther = rest.length === 0 || (rest.length > 1 && PRONOUNS.has(low(rest.at(-1))))
  const isIndirect = FORMS_OF_BE.has(verb) && !isOther && !rest.some((token) => FORMS_OF_BE.has(low(token)))
  return isIndirect && ['what', 'who', 'where', 'when'].includes(low(word)) ? [word, verb, ...rest] : tokens
}

function withoutDoing(tokens: readonly string[]): readonly string[] {
  const length = startOf(tokens, DOING)
  return length > 0 && TASKS.has(low(tokens[length])) ? tokens.slice(length) : tokens
}

/** A full stop says nothing; a question mark only where nothing else tells that it is a question. */
function withoutLastSign(tokens: readonly string[], isQuestion: boolean): readonly string[] {
  const last = tokens.at(-1)
  const first = low(tokens[0])
  const isOpen = isQuestion || QUESTION_WORDS.has(first) || ASKING_VERBS.has(first)
  if (last === '.' || (last === '?' && isOpen)) return tokens.slice(0, -1)
  return tokens
}

/** Words that are names when they are capital: there the first letter tells something also at the start. */
const NAMES_TOO = new Set(
  `access alphabet amazon apple august bill bush chad chase china chrome edge excel frank gap georgia go grant jack java jordan
  march mark mars may mercury meta mint nice notion orange oracle outlook polish python reading rose ruby rust safari shell
  signal slack spring square steam stripe sun swift target teams turkey unity visa will windows word zoom`.split(/\s+/),
)

function lowFirst(tokens: readonly string[]): readonly string[] {
  const [first = '', ...rest] = tokens
  const isWord = /^\p{Lu}\p{Ll}*$/u.test(first) && !NAMES_TOO.has(first.toLowerCase())
  return [isWord ? first.toLowerCase() : first, ...rest]
}

/** @returns how many tokens the longest of the phrases takes at the start; 0 when none stands there */
function startOf(tokens: readonly string[], known: readonly (readonly string[])[]): number {
  return known.find((phrase) => phrase.every((word, at) => low(tokens[at]) === word))?.length ?? 0
}

/** "a few" is not "few". */
function isArticle(token: string, next: string | undefined): boolean {
  return /^(?:a|an|the)$/i.test(token) && !/^(?:few|little|lot|bit|while|couple)$/i.test(next ?? '')
}

function low(token: string | undefined): string {
  return (token ?? '').toLowerCase()
}
