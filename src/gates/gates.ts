/** The table of gates, and the one loop that runs them. */
import type { Reason, Verdict } from '../spec/decision.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { isRead } from '../spec/reading.ts'
import type { RouterRequest } from '../spec/request.ts'
import { agreement } from './agreement.ts'
import { answerHardStop } from './answer-hard-stop.ts'
import { calibrated } from './calibrated.ts'
import { complete } from './complete.ts'
import { confidence } from './confidence.ts'
import { entropy } from './entropy.ts'
import { equations } from './equations.ts'
import { evidence } from './evidence.ts'
import { GATE_NAMES, type Gate, type GateInput, type GateName, isTypedDecision, reject } from './gate.ts'
import { judge } from './judge.ts'
import { labels } from './labels.ts'
import { patch } from './patch.ts'
import { quality } from './quality.ts'
import { refusal } from './refusal.ts'
import { repetition } from './repetition.ts'
import { safetyClass } from './safety-class.ts'
import { schema } from './schema.ts'
import { semanticEntropy } from './semantic-clusters.ts'
import { stopCheck } from './stop-check.ts'
import { verifyCitations } from './verify-citations.ts'
import { verifyCode } from './verify-code.ts'
import { verifyCommand } from './verify-command.ts'
import { verifyEdits } from './verify-edits.ts'
import { verifyText } from './verify-text.ts'

export interface NamedGate {
  readonly name: GateName
  readonly gate: Gate
}

/**
 * The gates an answer of this task has to pass, in the order in which their rejections count: hard stops, hard checks,
 * labels, confidence or entropy, whether a bound is proven, then what others say of the answer.
 *
 * Hard stops come first because a rejected answer may still be served marked degraded when no frontier is in reach, but
 * never after a hard stop: another reason must not cover it.
 */
export function gatesFor(task: TaskPolicy, request: RouterRequest): readonly NamedGate[] {
  return GATE_NAMES.filter((name) => GATES[name].applies(task, request)).map((name) => ({
    name,
    gate: GATES[name].gate,
  }))
}

/** The second look at a request for a hard stop: its verdict is needed whatever other gates say. */
export function looksAgain({ name }: NamedGate): boolean {
  return name === 'stop_check'
}

/** Verdicts in the order in which rejections count; those of plugins come last. */
export function inOrder(verdicts: readonly Verdict[]): readonly Verdict[] {
  const order: readonly string[] = GATE_NAMES
  const place = ({ gate }: Verdict): number => (order.includes(gate) ? order.indexOf(gate) : order.length)
  return verdicts.toSorted((a, b) => place(a) - place(b))
}

/** Gates that read what others said of an answer. To ask them costs calls, so they come after all that cost none. */
export function needsOpinions({ name }: NamedGate): boolean {
  return OPINION_GATES.has(name)
}

const OPINION_GATES: ReadonlySet<GateName> = new Set([
  'verify_command',
  'agreement',
  'semantic_entropy',
  'judge',
  'quality',
])

/**
 * One verdict per gate, in order. All gates run, also after a rejection: together they cost less than a millisecond,
 * and a record that holds every opinion can be replayed under another policy. A gate that throws has not accepted: `gate_error`.
 */
export function runGates(gates: readonly NamedGate[], input: GateInput): readonly Verdict[] {
  return gates.map(({ name, gate }) => {
    try {
      return gate(input)
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error
      return reject(name, {
        reason: 'gate_error',
        detail: `Gate ${name} failed (${kind}); its answer is not accepted.`,
      })
    }
  })
}

/** Whether an answer may be served under no circumstances, not even degraded. */
export function isStopped(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ reason }) => reason?.startsWith('hard_stop_') === true)
}

/** The verdict that decides: the first that rejects; null when all accept. */
export function firstRejection(verdicts: readonly Verdict[]): Verdict | null {
  return verdicts.find((verdict) => !verdict.accepted) ?? null
}

/**
 * Whether a rejection only says that an answer may be wrong, by a plain threshold. Checks, hard stops and proven bounds say more: nobody
 * overrules them.
 */
export function isDoubt({ gate, reason }: Verdict): boolean {
  return DOUBTING.has(gate) && reason !== null && DOUBTS.has(reason)
}

const DOUBTING: ReadonlySet<string> = new Set<GateName>([
  'confidence',
  'entropy',
  'agreement',
  'semantic_entropy',
  'judge',
  'quality',
])
const DOUBTS: ReadonlySet<Reason> = new Set([
  'confidence_low',
  'entropy_high',
  'disagreement',
  'judge_rejected',
  'signal_unavailable',
])

interface GateRow {
  readonly gate: Gate
  readonly applies: (task: TaskPolicy, request: RouterRequest) => boolean
}

const always = (): boolean => true
const typed = (task: TaskPolicy): boolean => isTypedDecision(task.kind)
const read = (task: TaskPolicy, request: RouterRequest): boolean => isRead(task.kind, request)
const written = (task: TaskPolicy, request: RouterRequest): boolean => !typed(task) && !read(task, request)

const GATES: Readonly<Record<GateName, GateRow>> = {
  answer_hard_stop: { gate: answerHardStop, applies: always },
  stop_check: { gate: stopCheck, applies: (task) => task.stopCheck !== undefined },
  safety_class: { gate: safetyClass, applies: (task) => task.gates.safetyClass.length > 0 },
  // A text that goes on ends at its cap, in the middle of a sentence.
  complete: { gate: complete, applies: (_, request) => !request.completion },
  refusal: { gate: refusal, applies: (task, request) => written(task, request) && task.gates.refusal },
  repetition: { gate: repetition, applies: written },
  patch: { gate: patch, applies: (task, request) => written(task, request) && task.kind !== 'code' },
  equations: {
    gate: equations,
    applies: (task, request) =>
      written(task, request) && task.kind !== 'code' && !request.completion && task.gates.equations,
  },
  schema: {
    gate: schema,
    applies: (task, request) => task.schema !== undefined || request.responseSchema !== undefined,
  },
  verify_text: {
    gate: verifyText,
    applies: ({ verify }) => verify !== undefined && verify.matches.length + verify.lacks.length > 0,
  },
  verify_code: { gate: verifyCode, applies: ({ verify }) => verify?.parses !== undefined },
  verify_citations: { gate: verifyCitations, applies: ({ verify }) => verify?.citations !== undefined },
  verify_edits: { gate: verifyEdits, applies: ({ verify }) => verify?.edits === true },
  labels: { gate: labels, applies: typed },
  evidence: { gate: evidence, applies: (task) => task.kind === 'rank' },
  confidence: { gate: confidence, applies: (task, request) => typed(task) || read(task, request) },
  entropy: {
    gate: entropy,
    applies: (task, request) => written(task, request) && task.gates.entropyNats !== null,
  },
  calibrated: { gate: calibrated, applies: always },
  verify_command: { gate: verifyCommand, applies: ({ verify }) => verify?.command !== undefined },
  agreement: { gate: agreement, applies: (task) => task.agreement !== undefined },
  semantic_entropy: {
    gate: semanticEntropy,
    applies: (task) => (task.agreement?.maxSemanticEntropyNats ?? null) !== null,
  },
  judge: { gate: judge, applies: (task) => task.judge !== undefined },
  quality: { gate: quality, applies: (task) => task.quality !== undefined },
}
