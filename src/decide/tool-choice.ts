/** Which tool a request asks for, by the words they share. No model is asked. */
import type { ToolDefinition } from '../spec/request.ts'
import { contentWords } from './retrieve.ts'

export interface RankedTool {
  readonly name: string
  /** Weight of the words that request and tool share, over the weight of all words of the request, 0 to 1. */
  readonly score: number
}

export interface ToolChoice {
  /** Null when no tool has enough in common with the request. */
  readonly name: string | null
  /** Every tool, best first. */
  readonly ranked: readonly RankedTool[]
  /** Score of the best minus that of the second; the best score itself when there is one tool. */
  readonly margin: number
  /**
   * How sure the choice is, 0 to 1: among the tools, the share of the best after sharpening; times how surely a tool is
   * asked for at all.
   */
  readonly probability: number
}

/**
 * Scores tools like documents in lexical retrieval: words are weighted by how few of the tools hold them, and by where
 * they stand (name over description over parameters). Words in the request that belong to no tool count against all.
 *
 * @param request the user's words
 * @param tools at least one
 * @see Robertson and Zaragoza 2009, The Probabilistic Relevance Framework (field weights, inverse document frequency)
 */
export function chooseTool(request: string, tools: readonly ToolDefinition[]): ToolChoice {
  const asked = stemsOf(request)
  const implied = impliedWords(request).filter((word) => !asked.includes(word))
  const bags = tools.map(wordsOfTool)
  const inTools = (word: string): number => bags.filter((bag) => bag.has(word)).length
  const rarity = (word: string): number => Math.log(1 + (tools.length + 0.5) / (inTools(word) + 0.5))
  const total = asked.reduce((sum, word) => sum + Math.max(rarity(word), MIN_WEIGHT), 0)
  const ranked = tools
    .map(({ name }, index): RankedTool => {
      const bag = bags[index] ?? new Map<string, number>()
      const matched = (words: readonly string[]): number =>
        words.reduce((sum, word) => sum + (bag.get(word) ?? 0) * rarity(word), 0)
      const own = matched(asked) + IMPLIED_WEIGHT * matched(implied)
      // A long description shares words by chance; the square root keeps short ones from winning by it.
      return { name, score: total === 0 ? 0 : Math.min(1, own / total / Math.sqrt(1 + bag.size / TYPICAL_WORDS)) }
    })
    .toSorted((a, b) => b.score - a.score)
  const best = ranked[0]?.score ?? 0
  const margin = best - (ranked[1]?.score ?? 0)
  const share = ranked.reduce((sum, { score }) => sum + Math.exp((score - best) * SHARPNESS), 0)
  const wanted = 1 / (1 + Math.exp(-(best - NO_TOOL_BELOW) * SHARPNESS))
  return {
    name: best >= NO_TOOL_BELOW ? (ranked[0]?.name ?? null) : null,
    ranked,
    margin,
    probability: best >= NO_TOOL_BELOW ? wanted / share : 1 - wanted,
  }
}

const NAME_WEIGHT = 1
const DESCRIPTION_WEIGHT = 0.9
const PARAMETER_WEIGHT = 0.5
/** What is only implied counts less than what is said. */
const IMPLIED_WEIGHT = 0.5
/** Words of a description with a few parameters. */
const TYPICAL_WORDS = 40
const MIN_WEIGHT = 0.1
/** Between a request that shares a word by chance and one that means the tool; fitted, see `docs/reference/benchmarks.md`. */
const NO_TOOL_BELOW = 0.135
const SHARPNESS = 20

/** @returns per stem the weight of the best place it stands in */
function wordsOfTool({ name, description = '', parameters }: ToolDefinition): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  const add = (text: string, weight: number): void => {
    for (const word of stemsOf(text)) weights.set(word, Math.max(weight, weights.get(word) ?? 0))
  }
  add(name, NAME_WEIGHT)
  add(description, DESCRIPTION_WEIGHT)
  for (const text of parameterTexts(parameters)) add(text, PARAMETER_WEIGHT)
  return weights
}

/** Names, descriptions and listed values of all parameters, however deep. */
function parameterTexts(schema: unknown, depth = 0): readonly string[] {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return []
  const { properties, items, description, enum: values } = schema as Readonly<Record<string, unknown>>
  const own = [description, ...(Array.isArray(values) ? values : [])].filter((text) => typeof text === 'string')
  const inner = typeof properties === 'object' && properties !== null ? Object.entries(properties) : []
  return [
    ...own,
    ...inner.flatMap(([name, value]) => [name, ...parameterTexts(value, depth + 1)]),
    ...parameterTexts(items, depth + 1),
  ]
}

const MAX_DEPTH = 6

/** Stems of the words that carry meaning; names in camelCase, snake_case and with dots fall apart. */
function stemsOf(text: string): readonly string[] {
  const apart = text.replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2').replace(/[_.]/g, ' ')
  return [...new Set(contentWords(apart))].filter((word) => word.length > 1 && !EMPTY_WORDS.has(word))
}

/** Words that requests and descriptions of tools of every kind hold; stems, as `contentWords` gives them. */
const EMPTY_WORDS = new Set(
  contentWords(
    `want need like would use using used based get give tell provide show find help know please return value parameter
     optional default required specified specific given type list string number integer boolean`,
  ),
)

/** What a request speaks of without its name: amounts of money, dates, temperatures and the like. */
function impliedWords(request: string): readonly string[] {
  return IMPLIED.filter(({ sign }) => sign.test(request)).flatMap(({ words }) => contentWords(words))
}

const IMPLIED: readonly { readonly sign: RegExp; readonly words: string }[] = [
  {
    sign: /[$€£¥]|\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|CNY|INR|dollars?|euros?|pounds? sterling|yen|rupees?|yuan)\b/i,
    words: 'currency money price amount',
  },
  {
    sign: /\b(?:19|20)\d\d\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:January|February|March|April|June|July|August|September|October|November|December|today|tomorrow|yesterday)\b/i,
    words: 'date',
  },
  { sign: /\b(?:celsius|fahrenheit|kelvin)\b|°/i, words: 'temperature' },
  { sign: /\b(?:km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|feet|inch(?:es)?)\b/i, words: 'distance length' },
  { sign: /\b(?:kg|kilograms?|grams?|lbs?|ounces?)\b/i, words: 'weight mass' },
  { sign: /\b(?:AM|PM|o'clock)\b|\b\d{1,2}:\d\d\b/, words: 'time' },
  { sign: /\bhow (?:far)\b/i, words: 'distance' },
  { sign: /\bhow (?:long)\b/i, words: 'time duration length' },
  { sign: /\bhow (?:much does|expensive)\b/i, words: 'price cost' },
  { sign: /[^\s@]+@[^\s@]+\.[a-z]{2,}/i, words: 'email address' },
  { sign: /https?:\/\//i, words: 'url website' },
]
