import type { Span } from '../spec/ports.ts'
import { contentWords } from './retrieve.ts'
import { type Sentence, splitSentences } from './sentences.ts'

/** What speaks for or against a span as the answer; all are 0 or 1 unless said otherwise. */
export interface SpanEvidence {
  /** Log-probability less that of the most probable span (nats, <= 0). */
  readonly logprobLag: number
  /** Natural logarithm of the number of words. */
  readonly logWords: number
  /** Quarters of words past the eighth. */
  readonly excessWords: number
  /** Share of its content words that the question has already, 0 to 1: an answer says something new. */
  readonly echo: number
  /** Share of the question's content words that the span's sentence has, 0 to 1. */
  readonly sentenceCover: number
  /** No other sentence of the passage has more of them. */
  readonly bestSentence: number
  /** How near the question's words stand to the span inside its sentence, 0 to 1. */
  readonly nearness: number
  /** The question asks for a number or date, and the span holds one. */
  readonly numberFits: number
  /** The question asks for a person, place or other name, and the span begins with a capital. */
  readonly nameFits: number
  /** Its last word is a function word. */
  readonly openEnd: number
  /** What follows it is a function word, a mark or nothing. */
  readonly edgeAfter: number
}

/** The evidence of each span, in the order given. */
export function spanEvidence(question: string, passage: string, spans: readonly Span[]): readonly SpanEvidence[] {
  const asked = readQuestion(question)
  const text = readPassage(passage, asked.words)
  const best = spans.reduce((most, { logprob }) => Math.max(most, logprob), Number.NEGATIVE_INFINITY)
  return spans.map((span) => evidenceOf(span, { asked, text, best }))
}

/** Share of the question's content words that a text has, 0 to 1; 0 for a question without any. */
export function coverOf(question: string, text: string): number {
  return share(new Set(contentWords(question)), new Set(contentWords(text)))
}

interface Asked {
  readonly words: ReadonlySet<string>
  readonly wants: 'number' | 'name' | 'any'
}

function readQuestion(question: string): Asked {
  const wants = ASKS_NUMBER.test(question) ? 'number' : ASKS_NAME.test(question) ? 'name' : 'any'
  return { words: new Set(contentWords(question)), wants }
}

const ASKS_NUMBER =
  /\b(?:when|how (?:many|much|long|old|far|tall|large|big|often)|(?:what|which) (?:year|date|day|month|decade|century|percent\w*|number|age|population|time))\b/i
const ASKS_NAME =
  /\b(?:who|whom|whose|where|what (?:is|was|were|are) the (?:name|title|term)|(?:which|what) (?:\w+ )?(?:city|country|state|town|river|person|company|team|king|queen|president|author|university|organi[sz]ation|group|language|nation|war|battle|treaty|island|region|place|man|woman|actor|actress|scientist|player|coach|county|continent|show|film|book|newspaper|park|street|building))\b/i

interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
  /** Its stem when the question has it. */
  readonly stem: string | null
}

interface PassageText {
  readonly passage: string
  readonly words: readonly Word[]
  readonly sentences: readonly Sentence[]
  /** Per sentence. */
  readonly covers: readonly number[]
}

function readPassage(passage: string, asked: ReadonlySet<string>): PassageText {
  const sentences = splitSentences(passage)
  const covers = sentences.map(({ start, end }) => share(asked, new Set(contentWords(passage.slice(start, end)))))
  const words = [...passage.matchAll(WORD)].map(({ index, 0: text }): Word => {
    const [stem] = contentWords(text)
    return { text, start: index, end: index + text.length, stem: stem !== undefined && asked.has(stem) ? stem : null }
  })
  return { passage, words, sentences, covers }
}

const WORD = /[\p{L}\p{N}\p{M}'’-]+/gu

interface Setting {
  readonly asked: Asked
  readonly text: PassageText
  readonly best: number
}

function evidenceOf(span: Span, { asked, text, best }: Setting): SpanEvidence {
  const place = text.sentences.findIndex((sentence) => span.start < sentence.end)
  const inside = text.words.filter(({ start, end }) => end > span.start && start < span.end)
  const own = contentWords(span.text)
  const cover = text.covers[place] ?? 0
  const after = /^\s([\p{L}\p{N}'’-]+)/u.exec(text.passage.slice(span.end, span.end + LONGEST_WORD))?.[1]
  return {
    logprobLag: span.logprob - best,
    logWords: Math.log(Math.max(1, inside.length)),
    excessWords: Math.max(0, inside.length - 8) / 4,
    echo: own.length === 0 ? 0 : own.filter((word) => asked.words.has(word)).length / own.length,
    sentenceCover: cover,
    bestSentence: flag(cover >= Math.max(...text.covers)),
    nearness: nearness(span, text, asked.words.size),
    numberFits: flag(asked.wants === 'number' && NUMBER.test(span.text)),
    nameFits: flag(asked.wants === 'name' && /^\P{L}*\p{Lu}/u.test(span.text.replace(ARTICLE, ''))),
    openEnd: flag(FUNCTION_WORDS.has(inside.at(-1)?.text.toLowerCase() ?? '')),
    edgeAfter: flag(after === undefined || FUNCTION_WORDS.has(after.toLowerCase())),
  }
}

const NUMBER =
  /\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|hundred|thousand|million|billion|half|third|first|second)\b/i
const ARTICLE = /^(?:the|a|an) /i

const LONGEST_WORD = 40

const FUNCTION_WORDS = new Set(
  `a about after also although an and are as at be because been before being between but by can could during for from
  had has have he her his if in into is it its may might not of on or our over she should since than that the their them
  these they this those through to under until was we were when where which while who will with would you your`.split(
    /\s+/,
  ),
)

/** Each word of the question counts once, at its nearest place outside the span, halved at four words of distance. */
function nearness(span: Span, { words, sentences }: PassageText, asked: number): number {
  const sentence = sentences.find(({ end }) => span.start < end)
  if (sentence === undefined || asked === 0) return 0
  const first = words.findIndex(({ end }) => end > span.start)
  const last = words.findLastIndex(({ start }) => start < span.end)
  const nearest = new Map<string, number>()
  for (const [index, { stem, start }] of words.entries()) {
    if (stem === null || start < sentence.start || start >= Math.max(sentence.end, span.end)) continue
    const distance = Math.max(first - index, index - last)
    if (distance > 0) nearest.set(stem, Math.min(distance, nearest.get(stem) ?? distance))
  }
  return [...nearest.values()].reduce((sum, distance) => sum + 1 / (1 + distance / 4), 0) / asked
}

function share(wanted: ReadonlySet<string>, present: ReadonlySet<string>): number {
  return wanted.size === 0 ? 0 : [...wanted].filter((word) => present.has(word)).length / wanted.size
}

function flag(claim: boolean): number {
  return claim ? 1 : 0
}
