/** Which tool a request asks for, by the words they share. No model is asked. */
import type { ToolDefinition } from '../spec/request.ts'
import { ORDINARY_WORDS } from './entity-words.ts'
import { impliedStems } from './implied-words.ts'
import { stemsApart } from './lexical.ts'
import { contentWords } from './retrieve.ts'
import { evidenceIn, wantedOdds } from './tool-evidence.ts'
import { parameterTexts } from './tool-schema.ts'

export interface RankedTool {
  readonly name: string
  /** Weight of the words that request and tool share, over the weight of all words of the request, 0 to 1. */
  readonly score: number
  /** That this tool is asked for, 0 to 1; those of all tools and of none sum to 1. */
  readonly probability: number
}

export interface ToolChoice {
  /** Null when it is more probable that no tool is asked for. */
  readonly name: string | null
  /** Every tool, best first. */
  readonly ranked: readonly RankedTool[]
  /** Score of the best minus that of the second; the best score itself when there is one tool. */
  readonly margin: number
  /** How sure the choice is, of a tool or of none, 0 to 1. */
  readonly probability: number
}

/**
 * Scores tools like documents in lexical retrieval: words are weighted by how few of the tools hold them, and by where
 * they stand (name over description over parameters). Words in the request that belong to no tool count against all.
 * Whether any is asked for is a question of its own, with "none" as one more choice beside the tools; see
 * `evidenceIn`.
 *
 * @param request the user's words, in English; in another language hardly a word is shared, and "none" is never sure
 * @param tools without any the choice is none, for sure
 * @see Robertson and Zaragoza 2009, The Probabilistic Relevance Framework (field weights, inverse document frequency)
 */
export function chooseTool(request: string, tools: readonly ToolDefinition[]): ToolChoice {
  const scored = scoredTools(request, tools)
  const odds = tools.map(evidenceIn(request)).reduce((sum, evidence) => sum + wantedOdds(evidence), 0)
  const wanted = odds / (1 + odds)
  const best = scored[0]?.score ?? 0
  const shares = scored.map(({ score }) => Math.exp((score - best) * SHARPNESS))
  const total = shares.reduce((sum, share) => sum + share, 0)
  const ranked = scored.map((tool, at): RankedTool => ({ ...tool, probability: (wanted * (shares[at] ?? 0)) / total }))
  const isWanted = wanted > 0.5 && best > 0
  return {
    name: isWanted ? (ranked[0]?.name ?? null) : null,
    ranked,
    margin: best - (ranked[1]?.score ?? 0),
    probability: isWanted ? (ranked[0]?.probability ?? 0) : noneProbability(request, wanted),
  }
}

/** In a language that is not the tools' own, that no word is shared says nothing. */
function noneProbability(request: string, wanted: number): number {
  const words = request.toLowerCase().match(/\p{L}+/gu) ?? []
  const isEnglish = words.filter((word) => ORDINARY_WORDS.has(word)).length >= ENGLISH_SHARE * words.length
  return isEnglish ? 1 - wanted : Math.min(0.5, 1 - wanted)
}

/** Of the words of 140 English requests at least 36 % were ordinary ones; sentences in other languages had up to 20 %. */
const ENGLISH_SHARE = 0.25

/** Best first, equal ones in the order given. */
function scoredTools(
  request: string,
  tools: readonly ToolDefinition[],
): readonly { readonly name: string; readonly score: number }[] {
  const asked = stemsOf(request)
  const implied = impliedStems(request).filter((word) => !asked.includes(word))
  const bags = tools.map(wordsOfTool)
  const inTools = (word: string): number => bags.filter((bag) => bag.has(word)).length
  const rarity = (word: string): number => Math.log(1 + (tools.length + 0.5) / (inTools(word) + 0.5))
  const total = asked.reduce((sum, word) => sum + Math.max(rarity(word), MIN_WEIGHT), 0)
  return tools
    .map(({ name }, index) => {
      const bag = bags[index] ?? new Map<string, number>()
      const matched = (words: readonly string[]): number =>
        words.reduce((sum, word) => sum + (bag.get(word) ?? 0) * rarity(word), 0)
      const own = matched(asked) + IMPLIED_WEIGHT * matched(implied)
      // A long description shares words by chance; the square root keeps short ones from winning by it.
      return { name, score: total === 0 ? 0 : Math.min(1, own / total / Math.sqrt(1 + bag.size / TYPICAL_WORDS)) }
    })
    .toSorted((a, b) => b.score - a.score)
}

const NAME_WEIGHT = 1
const DESCRIPTION_WEIGHT = 0.9
const PARAMETER_WEIGHT = 0.5
/** What is only implied counts less than what is said. */
const IMPLIED_WEIGHT = 0.5
/** Words of a description with a few parameters. */
const TYPICAL_WORDS = 40
const MIN_WEIGHT = 0.1
/** Turns differences of score into odds between tools. */
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

function stemsOf(text: string): readonly string[] {
  return stemsApart(text).filter((word) => word.length > 1 && !EMPTY_WORDS.has(word))
}

/** Words that requests and descriptions of tools of every kind hold; stems, as `contentWords` gives them. */
const EMPTY_WORDS = new Set(
  contentWords(
    `want need like would use using used based get give tell provide show find help know please return value parameter
     optional default required specified specific given type list string number integer boolean`,
  ),
)
