/** The weighted quality check: format, completeness, coherence and self-critique in one figure. */
import type { TaskPolicy } from '../spec/policy.ts'
import { messageText, questionParts, type RouterRequest } from '../spec/request.ts'
import type { Answer } from '../spec/response.ts'
import { contradictsItself, unsupportedClaims } from './claims.ts'
import { accept, type Gate, type GateInput, isTypedDecision, reject } from './gate.ts'
import { labels } from './labels.ts'
import { ROUNDING } from './opinions.ts'
import { refusal } from './refusal.ts'
import { parseJsonAnswer, schema } from './schema.ts'

/** What the check weighs, apart from how each part is found. */
export interface QualityFacts {
  readonly formatValid: boolean
  /** Not too short, and every required field is there. */
  readonly complete: boolean
  readonly refuses: boolean
  /** 0: contradicts itself, or nothing it claims is supported. 1: no fault was found. */
  readonly coherence: number
  /** Probability that the answer is valid, by a model; null when it was asked and gave none; absent when nobody asked. */
  readonly critique?: number | null
}

export interface QualityResult {
  readonly passed: boolean
  /** 0 to 1, rounded to nine digits. */
  readonly confidence: number
  /** One clause for each thing that is wrong; holds no text of the answer. */
  readonly issues: readonly string[]
  /** One sentence: how the confidence came about. */
  readonly reasoning: string
}

export type QualityPolicy = Pick<NonNullable<TaskPolicy['quality']>, 'threshold' | 'weights' | 'refusalPenalty'>

/**
 * Rejects with `judge_rejected` below the task's threshold, `schema_invalid` for a wrong format, and
 * `signal_unavailable` when the critique that decides is missing.
 */
export const quality: Gate = (input) => {
  if (!input.task.quality) return accept('quality', 'No quality check is asked for.')
  const policy = input.task.quality
  const own = qualityFacts(input)
  const critique = input.opinions?.critique
  const { passed, confidence, reasoning } = assessQuality(
    { ...own, ...(critique && { critique: critique.probability }) },
    policy,
  )
  const measured = { score: confidence, threshold: policy.threshold }
  if (!own.formatValid) return reject('quality', { reason: 'schema_invalid', detail: reasoning, ...measured })
  if (critiqueDecides(own, policy) && typeof critique?.probability !== 'number') {
    const detail = `Without a critique nothing is settled. ${reasoning}`
    return reject('quality', { reason: 'signal_unavailable', detail, threshold: policy.threshold })
  }
  if (passed) return accept('quality', reasoning, measured)
  return reject('quality', { reason: 'judge_rejected', detail: reasoning, ...measured })
}

/**
 * Confidence = 1 - format - completeness - (refusal, else coherence x what is lost of it) - self-critique, clamped.
 *
 * A wrong format never passes, whatever the sum: alone it would leave exactly the default threshold. A missing critique
 * costs as much as a no.
 */
export function assessQuality(facts: QualityFacts, policy: QualityPolicy): QualityResult {
  const { weights, refusalPenalty, threshold } = policy
  const isDoubted = facts.critique === null || (facts.critique !== undefined && facts.critique < EVEN)
  const faults = [
    { lost: facts.formatValid ? 0 : weights.format, issue: 'the format is wrong', found: !facts.formatValid },
    { lost: facts.complete ? 0 : weights.completeness, issue: 'it is incomplete', found: !facts.complete },
    facts.refuses
      ? { lost: refusalPenalty, issue: 'it refuses', found: true }
      : {
          lost: weights.coherence * (1 - facts.coherence),
          issue: 'it contradicts itself or claims what its source does not hold',
          found: facts.coherence < 1,
        },
    { lost: isDoubted ? weights.selfCritique : 0, issue: 'a model does not hold it for valid', found: isDoubted },
  ].filter(({ found }) => found)
  const lost = faults.reduce((sum, fault) => sum + fault.lost, 0)
  const confidence = Math.round(Math.min(1, Math.max(0, 1 - lost)) * 1e9) / 1e9
  const issues = faults.map(({ issue }) => issue)
  const because = faults.map((fault) => `${fault.issue} (-${fault.lost.toFixed(2)})`).join(', ')
  return {
    passed: facts.formatValid && confidence >= threshold - ROUNDING,
    confidence,
    issues,
    reasoning: `Quality ${confidence.toFixed(2)}, threshold ${threshold}: ${because === '' ? 'no fault was found' : because}.`,
  }
}

/**
 * Whether a no of a model would turn a pass into a rejection: the only case in which it is worth asking. With the default
 * weights that is a confidence from .7 up to, and without, .9.
 */
export function critiqueDecides(facts: QualityFacts, policy: QualityPolicy): boolean {
  const { critique: _, ...rest } = facts
  return assessQuality(rest, policy).passed && !assessQuality({ ...rest, critique: 0 }, policy).passed
}

/** What the answer itself shows; a task without a quality check asks nothing of its length, fields and support. */
export function qualityFacts(input: GateInput): QualityFacts {
  const { answer, request, task } = input
  const text = answer.text.trim()
  return {
    formatValid: formatIsValid(input),
    complete: isComplete(answer, task.quality?.minChars ?? 0, task.quality?.requiredFields ?? []),
    refuses: !refusal(input).accepted,
    coherence: contradictsItself(text) ? 0 : supportOf(text, sourceOf(task, request)),
  }
}

/** A probability below this is a no. */
const EVEN = 0.5

function formatIsValid(input: GateInput): boolean {
  const { task, request } = input
  if (isTypedDecision(task.kind)) return labels({ ...input, task: { ...task, escalateLabels: [] } }).accepted
  const wantsJson = task.schema !== undefined || request.responseSchema !== undefined
  return !wantsJson || schema(input).accepted
}

function isComplete(answer: Answer, minChars: number, requiredFields: readonly string[]): boolean {
  const text = answer.text.trim()
  if (answer.toolCalls.length === 0 && [...text].length < minChars) return false
  const value = /^[[{`~]/.test(text) ? parseJsonAnswer(text)?.value : undefined
  return requiredFields.every((field) =>
    typeof value === 'object' && value !== null ? holdsField(value, field.split('.')) : holdsTerm(text, field),
  )
}

function holdsField(value: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return value !== null && value !== undefined && value !== ''
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? holdsField((value as Readonly<Record<string, unknown>>)[key], rest)
    : false
}

function holdsTerm(text: string, term: string): boolean {
  const escaped = term.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'u').test(text.toLowerCase())
}

/** Everything the caller wrote, where the request brings a text that the answer is about; else null. */
function sourceOf(task: TaskPolicy, request: RouterRequest): string | null {
  if (task.quality?.support !== 'request' || questionParts(request.messages) === null) return null
  return request.messages.map(messageText).join('\n')
}

/** 1 without a source and for an answer without numbers and names. */
function supportOf(text: string, source: string | null): number {
  if (source === null) return 1
  const { claims, lacking } = unsupportedClaims(text, source)
  return claims === 0 ? 1 : 1 - lacking / claims
}
