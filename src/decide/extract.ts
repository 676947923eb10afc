import type { ModelIdentity, Signals, Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import type { CallLimits, ExtractResult, ExtractShot, ModelPort } from '../spec/ports.ts'
import { type Passage, passageOf, toDocument } from './passage.ts'
import { chooseSpan, type RankedSpan } from './span-choice.ts'

/** A question whose answer stands word for word in a document, or not at all. */
export interface ExtractQuestion {
  readonly question: string
  readonly document: string
  readonly instruction?: string
  readonly shots?: readonly ExtractShot[]
  /** Sentences the model reads; the ones that match the question best, when the document has more. 8 when absent. */
  readonly maxSentences?: number
  /** Below this probability that the document holds an answer there is none, 0 to 1. 0.6 when absent. */
  readonly minAnswerable?: number
}

/** UTF-16 offsets into the document, `end` exclusive. */
export interface DocumentSpan {
  readonly start: number
  readonly end: number
}

export interface ExtractCandidate extends DocumentSpan {
  /** `document.slice(start, end)`. */
  readonly text: string
  /** Nats, <= 0; see `Span`. */
  readonly logprob: number
  /** Among all candidates, 0 to 1. */
  readonly probability: number
}

export interface ExtractAnswer {
  /** Null: abstained. */
  readonly answer: string | null
  readonly span: DocumentSpan | null
  /** Probability that this outcome is right, 0 to 1: that the span is the answer, or that there is none. */
  readonly score: number
  /** Probability that the document holds an answer, 0 to 1. */
  readonly answerable: number
  /** Best first, at most 5, no text twice; there also after an abstention. */
  readonly candidates: readonly ExtractCandidate[]
  /** Of the span: its options are the candidates. */
  readonly signals: Signals
  readonly usage: Usage
  readonly identity: ModelIdentity
  /** Log-probability of saying that there is no answer (nats, <= 0); null when it could not be read. */
  readonly noAnswerLogprob: number | null
  /** The sentences the model read, in the order of the document. */
  readonly retrieval: readonly DocumentSpan[]
}

/**
 * Answers a question by words of the document only: the sentences that match it are read by the model, which is held to
 * copying; what it would copy is weighed by further evidence, and nothing is answered when the words of the question
 * are hardly there.
 *
 * @throws RouterError model_failed when the model cannot be held to a passage; what the port throws
 */
export async function extractAnswer(
  call: ExtractQuestion,
  port: ModelPort,
  limits: CallLimits,
): Promise<ExtractAnswer> {
  const passage = passageOf(call.question, call.document, call.maxSentences ?? MAX_SENTENCES)
  const result = await ask(call, passage, { port, limits })
  const choice = chooseSpan(call.question, passage.text, result)
  const candidates = candidatesOf(choice.ranked, passage, call.document)
  const [best] = candidates
  const answered = best !== undefined && choice.answerable >= (call.minAnswerable ?? MIN_ANSWERABLE)
  return {
    answer: answered ? best.text : null,
    span: answered ? { start: best.start, end: best.end } : null,
    score: answered ? choice.right : 1 - choice.answerable,
    answerable: choice.answerable,
    candidates,
    signals: signalsOf(result, choice.ranked, candidates),
    usage: result.usage,
    identity: result.identity,
    noAnswerLogprob: result.noAnswerLogprob,
    retrieval: passage.pieces.map(({ start, end }) => ({ start, end })),
  }
}

/** A paragraph goes whole. Of a longer text, the 5 sentences that match best had the answer's words for 97 % of 78 questions. */
const MAX_SENTENCES = 8

/** Any value from 0.5 to 0.7 gave the same F1 within 1 point on the questions the weights were fitted to. */
const MIN_ANSWERABLE = 0.6

/** As many as a reviewer compares at a glance. */
const MAX_CANDIDATES = 5

const INSTRUCTION =
  'Answer each question with a few words copied from the passage. If the passage does not hold the answer, say none.'

/** A name, no answer, a phrase: the three things an answer can be. */
const SHOTS: readonly ExtractShot[] = [
  {
    passage:
      'The lighthouse at Cape Morrow was built in 1874 by the engineer Anna Reyes. It was automated in 1962, when the last keeper left.',
    question: 'Who built the lighthouse at Cape Morrow?',
    answer: 'Anna Reyes',
  },
  {
    passage:
      'Basalt forms when lava cools quickly at the surface. Granite cools slowly deep underground, which lets large crystals grow.',
    question: 'How many tons of granite are mined each year?',
    answer: null,
  },
  {
    passage:
      'Most owls hunt at night. Their soft feathers make their flight almost silent, so mice do not hear them coming.',
    question: 'What makes the flight of owls almost silent?',
    answer: 'soft feathers',
  },
]

interface Asking {
  readonly port: ModelPort
  readonly limits: CallLimits
}

async function ask(call: ExtractQuestion, passage: Passage, { port, limits }: Asking): Promise<ExtractResult> {
  if (port.extract === undefined) {
    throw new RouterError('model_failed', {
      model: port.name,
      problem: 'it cannot be held to the words of a passage',
      fix: 'Use an embedded model for tasks of kind extract and answer.',
    })
  }
  const { instruction, shots, question } = call
  return await port.extract(
    { instruction: instruction ?? INSTRUCTION, shots: shots ?? SHOTS, question, passage: passage.text },
    limits,
  )
}

function candidatesOf(ranked: readonly RankedSpan[], passage: Passage, document: string): readonly ExtractCandidate[] {
  const seen = new Set<string>()
  const candidates = ranked.flatMap(({ start, end, logprob, probability }): readonly ExtractCandidate[] => {
    const place = toDocument(passage, start, end)
    if (place === null) return []
    const text = document.slice(place.start, place.end)
    if (seen.has(text)) return []
    seen.add(text)
    return [{ ...place, text, logprob, probability }]
  })
  return candidates.slice(0, MAX_CANDIDATES)
}

/** The model's readings belong to its own best span: of another one only the log-probability of the whole is known. */
function signalsOf(
  { signals, spans }: ExtractResult,
  [first]: readonly RankedSpan[],
  candidates: readonly ExtractCandidate[],
): Signals {
  const options = candidates.map(({ text, probability, logprob }) => ({ value: text, probability, logprob }))
  const margin = (options[0]?.probability ?? 0) - (options[1]?.probability ?? 0)
  const shown = { ...signals, options, margin: options.length === 0 ? null : margin }
  if (first === undefined || (first.start === spans[0]?.start && first.end === spans[0].end)) return shown
  const unread = { meanLogprob: null, minLogprob: null, entropyLowNats: null, entropyHighNats: null }
  return { ...shown, ...unread, maxTokenEntropyNats: null, tokens: 0 }
}
