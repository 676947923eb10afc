import type { CopyRun } from './copy-runs.ts'
import { readPrompt } from './generate.ts'
import type { GenerateNext, LlamaSequence, Token } from './llama-types.ts'
import { readToken, type TokenReading } from './signals.ts'

/** A finished copy. */
export interface CopiedSpan {
  readonly start: number
  readonly end: number
  /** One per token of the span, and one for ending after it. */
  readonly readings: readonly TokenReading[]
  /** Sum of the readings (nats, <= 0). */
  readonly logprob: number
}

export interface CopySearch {
  readonly sequence: LlamaSequence
  readonly prompt: readonly Token[]
  readonly runs: readonly CopyRun[]
  /** Tokens by which a line may end, and the tokens of the answer that there is none. */
  readonly endings: readonly Token[]
  readonly noAnswer: readonly Token[]
  readonly signal: AbortSignal
}

export interface CopyFound {
  /** Most probable first. */
  readonly spans: readonly CopiedSpan[]
  readonly noAnswerLogprob: number | null
  /** Tokens evaluated after the prompt. */
  readonly evaluated: number
}

/**
 * Best-first search over the copies of a passage. One evaluation reads the first token of every run; then the most
 * probable beginning is followed: shared by several runs, one token further; of a single run, a piece of it at once,
 * which scores every end on the way. That is a few evaluations, where a beam needs one per token and branch, and a
 * probability cannot rise on the way, so what was not followed is known to be no better than its beginning.
 */
export async function searchCopies(search: CopySearch): Promise<CopyFound> {
  const { runs, noAnswer } = search
  const starts = await readPath(search, [], [[...new Set([...firstTokens(runs), ...noAnswer.slice(0, 1)])]])
  const spans: CopiedSpan[] = []
  let evaluated = 1
  let open = advance({ path: [], readings: [], logprob: 0, runs }, starts[0])
  while (open.length > 0 && evaluated < MAX_EVALUATED) {
    const [best, ...others] = open.toSorted((a, b) => b.logprob - a.logprob)
    if (best === undefined || best.logprob < worthFollowing(spans)) break
    const step = await follow(search, best)
    evaluated += step.evaluated
    spans.push(...step.spans)
    open = [...others, ...step.open]
  }
  const none = await readNoAnswer(search, starts[0])
  return {
    spans: spans.toSorted((a, b) => b.logprob - a.logprob || a.start - b.start),
    noAnswerLogprob: none,
    evaluated: evaluated + noAnswer.length,
  }
}

/**
 * Most questions reach it (mean 136 over 100 paragraphs). Checked between pieces, so one piece more may be read. What was
 * found by then held an answer of 85 F1.
 */
const MAX_EVALUATED = 160
/** Nats below the best span: what is less probable is not worth reading, even for a later choice by other evidence. */
const BEAM_NATS = 5
/** Tokens of one run that are read at once. */
const PIECE = 8

/** A beginning of copies and the runs that begin so. */
interface Beginning {
  readonly path: readonly Token[]
  readonly readings: readonly TokenReading[]
  readonly logprob: number
  readonly runs: readonly CopyRun[]
}

/** What may follow a token, read from the distribution after it. */
type NextReadings = ReadonlyMap<Token, TokenReading>

interface Step {
  readonly spans: readonly CopiedSpan[]
  readonly open: readonly Beginning[]
  readonly evaluated: number
}

function firstTokens(runs: readonly CopyRun[]): readonly Token[] {
  return runs.flatMap((run) => run.tokens.slice(0, 1))
}

function worthFollowing(spans: readonly CopiedSpan[]): number {
  return Math.max(...spans.map((span) => span.logprob)) - BEAM_NATS
}

async function follow(search: CopySearch, beginning: Beginning): Promise<Step> {
  const [only, ...rest] = beginning.runs
  const from = beginning.path.length
  const more = only !== undefined && rest.length === 0 ? only.tokens.slice(from, from + PIECE - 1) : []
  const path = [...beginning.path, ...more]
  const wanted = path
    .slice(from - 1)
    .map((_, index) => [...nextTokens(beginning.runs, from + index), ...search.endings])
  const readings = await readPath(search, path, wanted)
  const spans: CopiedSpan[] = []
  let open: readonly Beginning[] = [beginning]
  for (const next of readings) {
    spans.push(...open.flatMap((each) => ended(each, endingOf(next, search.endings))))
    open = open.flatMap((each) => advance(each, next))
  }
  return { spans, open, evaluated: readings.length }
}

function nextTokens(runs: readonly CopyRun[], at: number): readonly Token[] {
  return [...new Set(runs.flatMap((run) => run.tokens.slice(at, at + 1)))]
}

/** The same beginning one token further, once per token that may follow; one without a reading is given up. */
function advance(beginning: Beginning, next: NextReadings | undefined): Beginning[] {
  const at = beginning.path.length
  return nextTokens(beginning.runs, at).flatMap((token) => {
    const reading = next?.get(token)
    if (reading === undefined || reading.logprob === null) return []
    return {
      path: [...beginning.path, token],
      readings: [...beginning.readings, reading],
      logprob: beginning.logprob + reading.logprob,
      runs: beginning.runs.filter((run) => run.tokens[at] === token),
    }
  })
}

function ended(beginning: Beginning, ending: TokenReading | null): CopiedSpan[] {
  const logprob = ending?.logprob ?? null
  if (ending === null || logprob === null) return []
  return beginning.runs.flatMap((run) => {
    const end = run.ends[beginning.path.length - 1] ?? null
    if (end === null) return []
    const readings = [...beginning.readings, ending]
    return { start: run.start, end, readings, logprob: beginning.logprob + logprob }
  })
}

/** The ways to end a line are one event. */
function endingOf(next: NextReadings, endings: readonly Token[]): TokenReading | null {
  const readings = endings.flatMap((token) => next.get(token) ?? [])
  const known = readings.flatMap(({ logprob }) => logprob ?? [])
  const [first] = readings
  if (first === undefined || known.length === 0) return null
  return { ...first, logprob: Math.min(0, Math.log(known.reduce((sum, logprob) => sum + Math.exp(logprob), 0))) }
}

/** @returns the log-probability of the whole answer that there is none, its end included; null when it was not read */
async function readNoAnswer(search: CopySearch, starts: NextReadings | undefined): Promise<number | null> {
  const { noAnswer, endings } = search
  const wanted = noAnswer.map((_, index) => [...noAnswer.slice(index + 1, index + 2), ...endings])
  const readings = await readPath(search, noAnswer, wanted)
  const own = noAnswer.map((token, index) => (index === 0 ? starts : readings[index - 1])?.get(token)?.logprob ?? null)
  const last = readings.at(-1)
  const all = [...own, last === undefined ? null : (endingOf(last, endings)?.logprob ?? null)]
  return all.reduce((sum, logprob) => (sum === null || logprob === null ? null : sum + logprob), 0)
}

/** Evaluates `path` after the prompt; reads, after each of its last tokens, the wanted tokens of that place. */
async function readPath(
  { sequence, prompt, signal }: CopySearch,
  path: readonly Token[],
  wanted: readonly (readonly Token[])[],
): Promise<readonly NextReadings[]> {
  const whole = [...prompt, ...path]
  const held = whole.slice(0, whole.length - wanted.length + 1)
  const tail = await readPrompt(sequence, held, signal)
  const read = [tail.last, ...whole.slice(held.length)]
  const outputs = await sequence.controlledEvaluate([
    ...tail.before,
    ...read.map((token, index): [Token, { generateNext: GenerateNext }] => [
      token,
      { generateNext: reading(wanted[index] ?? []) },
    ]),
  ])
  return wanted.map((tokens, index) => {
    const next = outputs[tail.before.length + index]?.next
    const largest = next?.token === undefined || next.token === null ? undefined : next.logits?.get(next.token)
    return new Map(tokens.map((token) => [token, readToken(next?.logits?.get(token), largest, next?.totalLogitWeight)]))
  })
}

function reading(tokens: readonly Token[]): GenerateNext {
  return {
    token: true,
    logits: { filter: { tokens, includeSelected: true } },
    totalLogitWeight: true,
    options: { temperature: 0 },
  }
}
