/** Orders known items by how well they answer a question. */
import type { ModelIdentity, Usage } from '../spec/decision.ts'
import type { CallLimits, ModelPort } from '../spec/ports.ts'
import type { RankedItem } from '../spec/reading.ts'
import { rankByWords } from './retrieve.ts'

export interface RankQuestion {
  readonly query: string
  /** At least one; each is read by the model on its own, so long lists cost time. */
  readonly items: readonly string[]
  /** What makes an item good; "Does the text answer the question?" when absent. */
  readonly instruction?: string
  /** Items to keep at most; all when absent. */
  readonly keep?: number
  /** Items below this score are not kept; 0 to 1. */
  readonly minScore?: number
}

export interface Ranking {
  /** Every item once, best first. */
  readonly ranking: readonly RankedItem[]
  /** Places of the items worth keeping, best first. */
  readonly kept: readonly number[]
  /** Words and model each have a clear first choice, and they differ. */
  readonly conflict: boolean
  /** Places of items the model could not judge; they are ranked by their words alone. */
  readonly missing: readonly number[]
  /** Score of the first minus that of the second; the first's own when there is one item. */
  readonly margin: number
  readonly by: 'words' | 'words_and_model'
  /** Of all the model's readings together; null when none was made. */
  readonly usage: Usage | null
  readonly identity: ModelIdentity | null
}

/**
 * Scores each item by the words it shares with the query (BM25+, divided by the best) and, where the model's distribution
 * can be read, by the calibrated probability of "yes" to the instruction; the mean of the two, weighted.
 *
 * @throws RouterError of the model, except where it cannot read a single item: that item is `missing`
 */
export async function rankItems(question: RankQuestion, port: ModelPort | null, limits: CallLimits): Promise<Ranking> {
  const words = wordScores(question)
  const judged = port?.decide ? await judge(question, port, limits) : null
  const scored = question.items.map((item, index): RankedItem => {
    const model = judged?.scores[index] ?? null
    const own = words[index] ?? 0
    return { index, item, score: model === null ? own : (1 - MODEL_WEIGHT) * own + MODEL_WEIGHT * model }
  })
  const ranking = scored.toSorted((a, b) => b.score - a.score || a.index - b.index)
  const { keep = question.items.length, minScore = 0 } = question
  const worth = ranking.filter(({ score }) => score >= minScore).slice(0, keep)
  return {
    ranking,
    kept: worth.map(({ index }) => index),
    conflict: judged !== null && disagree(words, judged.scores),
    missing: judged?.scores.flatMap((score, index) => (score === null ? [index] : [])) ?? [],
    margin: (ranking[0]?.score ?? 0) - (ranking[1]?.score ?? 0),
    by: judged === null ? 'words' : 'words_and_model',
    usage: judged?.usage ?? null,
    identity: judged?.identity ?? null,
  }
}

/** Chosen on 100 questions with their passages' sentences as items; see `docs/reference/benchmarks.md`. */
const MODEL_WEIGHT = 0.3
/** A lead over the second that is no accident. */
const CLEAR_LEAD = 0.3

function wordScores({ query, items }: RankQuestion): readonly number[] {
  const scores = items.map(() => 0)
  for (const { index, score } of rankByWords(query, items)) scores[index] = score
  const best = Math.max(...scores, 0)
  return scores.map((score) => (best === 0 ? 0 : score / best))
}

interface Judged {
  readonly scores: readonly (number | null)[]
  readonly usage: Usage
  readonly identity: ModelIdentity | null
}

async function judge(question: RankQuestion, port: ModelPort, limits: CallLimits): Promise<Judged> {
  const instruction = question.instruction ?? 'Does the text answer the question?'
  const scores: (number | null)[] = []
  let usage: Usage = { inputTokens: 0, outputTokens: 0, source: 'reported' }
  let identity: ModelIdentity | null = null
  for (const item of question.items) {
    const call = { instruction, shots: [], input: `Question: ${question.query}\nText: ${item}`, options: ['yes', 'no'] }
    const result = await port.decide?.(call, limits)
    const yes = result?.options.find(({ value }) => value === 'yes')?.probability
    scores.push(yes === undefined || !Number.isFinite(yes) ? null : yes)
    if (!result) continue
    identity = result.identity
    usage = {
      ...usage,
      inputTokens: usage.inputTokens + result.usage.inputTokens,
      outputTokens: usage.outputTokens + result.usage.outputTokens,
    }
  }
  return { scores, usage, identity }
}

function disagree(words: readonly number[], model: readonly (number | null)[]): boolean {
  const first = leader(words)
  const second = leader(model.map((score) => score ?? 0))
  return first !== null && second !== null && first !== second
}

/** The place of the best when it leads clearly; null when it does not. */
function leader(scores: readonly number[]): number | null {
  const [best, next] = scores.toSorted((a, b) => b - a)
  return best !== undefined && best - (next ?? 0) >= CLEAR_LEAD ? scores.indexOf(best) : null
}
