/** What every gate is: a pure check of one answer of a local model. One file per gate; `gates.ts` lists them. */

import type { Calibration } from '../spec/calibration.ts'
import type { HardStopHit, Reason, TaskKind, Verdict } from '../spec/decision.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { Answer } from '../spec/response.ts'
import type { TaskInForce } from '../spec/task-override.ts'
import type { Opinions } from './opinions.ts'

/** The option a typed decision chose. */
export interface ChosenOption {
  /** As the model's distribution named it, before `render`. */
  readonly value: string
  /** Content-free calibrated probability over the options, 0 to 1; null when the distribution could not be read. */
  readonly probability: number | null
}

export interface GateInput {
  /** The answer as the caller would get it: for typed decisions `answer.text` is the rendered option. */
  readonly answer: Answer
  readonly task: TaskInForce
  readonly taskName: string
  readonly request: RouterRequest
  /** Null for text, and for a typed task whose model wrote its answer instead of deciding it. */
  readonly option: ChosenOption | null
  /** The options of this request where they replace the task's own. */
  readonly options?: readonly string[]
  /** Reads hard-stop terms from a text; an argument, because gates and classification do not import each other. */
  readonly findHardStops: (text: string) => readonly HardStopHit[]
  /** Counts the equations of a text and the false ones among them; an argument, because gates and solvers do not import each other. */
  readonly checkEquations: (text: string) => { readonly checked: number; readonly wrong: number }
  /** The fit whose threshold decides; null, and why, when none is fitted or none counts. Absent: no bound is asked for. */
  readonly calibration?: { readonly fit: Calibration } | { readonly fit: null; readonly why: string }
  /** The row of `DRAFT_FIGURES` of this answer, for `calibration`. */
  readonly figures?: readonly (number | null)[]
  /** What others said of the answer; absent before anybody was asked. */
  readonly opinions?: Opinions
}

/** Reads one answer, returns one opinion. Never calls a model, a clock or a file. */
export type Gate = (input: GateInput) => Verdict

/** Every gate by name, in the order in which their rejections count: the first that rejects names the reason. */
export const GATE_NAMES = [
  'answer_hard_stop',
  'stop_check',
  'safety_class',
  'complete',
  'refusal',
  'repetition',
  'patch',
  'equations',
  'schema',
  'verify_text',
  'verify_code',
  'verify_citations',
  'verify_edits',
  'labels',
  'evidence',
  'confidence',
  'entropy',
  'calibrated',
  'verify_command',
  'agreement',
  'semantic_entropy',
  'judge',
  'quality',
] as const
export type GateName = (typeof GATE_NAMES)[number]

/** The figure a gate measured and the limit it was held against, in the unit that `detail` names. */
export interface Measurement {
  readonly score: number | null
  readonly threshold: number | null
}

export interface Rejection extends Partial<Measurement> {
  readonly reason: Reason
  /** One sentence for people; holds no text of the request or the answer. */
  readonly detail: string
}

export function accept(gate: GateName, detail: string, measured: Measurement = UNMEASURED): Verdict {
  return { gate, accepted: true, reason: null, score: measured.score, threshold: measured.threshold, detail }
}

export function reject(gate: GateName, { reason, detail, score = null, threshold = null }: Rejection): Verdict {
  return { gate, accepted: false, reason, score, threshold, detail }
}

/** Whether answers of this kind are one of a closed set, so that they are read instead of generated. */
export function isTypedDecision(kind: TaskKind): boolean {
  return kind === 'choice' || kind === 'boolean' || kind === 'score'
}

const UNMEASURED: Measurement = { score: null, threshold: null }
