/** What a routing method is, offline: fitted on recorded outcomes, it orders requests by how much they need the frontier. */

/** One recorded question with what every model made of it. */
export interface LabRow {
  readonly id: string
  readonly split: string
  readonly task: string
  readonly question: string
  /** Signatures of the functions offered, for tool calling. */
  readonly functions: string | null
  /** Score of each model's answer, 0 to 1, aligned with `LabRecording.models`. */
  readonly scores: readonly number[]
  /** Parsed answer of each model; null when it gave none that could be read; absent when none were recorded. */
  readonly answers: readonly (string | null)[] | null
  /** Length of each model's answer in characters. */
  readonly lengths: readonly number[] | null
  /** Text of the answer of the model `responseOf`. */
  readonly response: string | null
  readonly responseOf: string | null
  /** Per model the log-probabilities of the options (nats, <= 0). */
  readonly logprobs: readonly (readonly number[])[] | null
  /** Answers sampled from the local model, in order; null for one that could not be read. */
  readonly samples: readonly (string | null)[] | null
  /** What each model said of its own certainty, 1 to 10; null where it said nothing; absent when no row holds any. */
  readonly confidences: readonly (number | null)[] | null
  /** Each model's probability of yes when asked whether its own answer is right, 0 to 1; null and absent as above. */
  readonly verifications: readonly (number | null)[] | null
}

export interface LabRecording {
  readonly name: string
  readonly models: readonly string[]
  readonly rows: readonly LabRow[]
}

/** Who is routed between, and what may be known when the decision is taken. */
export interface LabSetting {
  /** Names the row of the table, for example `question only`. */
  readonly name: string
  readonly recording: string
  readonly local: string
  readonly frontier: string
  /** Other local models whose answers may be compared; in the order in which they would be asked. */
  readonly peers: readonly string[]
  /** `before`: only the question (and the task, when known). `after`: the local answer, too. */
  readonly kind: 'before' | 'after'
  /** Whether the label of the task is known. */
  readonly task: 'given' | 'hidden'
}

/** Where a row's figures stand: the setting and the models of the recording. */
export interface LabContext {
  readonly setting: LabSetting
  readonly models: readonly string[]
}

/** Plain data that survives a JSON round trip. */
export type LabState = Readonly<Record<string, unknown>>

export interface LabMethod<State extends LabState = LabState> {
  /** As the table and `--method` say it. */
  readonly name: string
  /** One sentence for people. */
  readonly about: string
  readonly applies: (context: LabContext, rows: readonly LabRow[]) => boolean
  /** @param seed fixes everything that is drawn at random */
  readonly fit: (rows: readonly LabRow[], context: LabContext, seed: number) => State
  /** The higher, the more the frontier is needed; any finite number. */
  readonly need: (state: State, row: LabRow, context: LabContext) => number
  /** Calls of local models for this row, the first answer included; 1 when absent for `after`, 0 for `before`. */
  readonly localRuns?: (state: State, row: LabRow, context: LabContext) => number
  /** Where the method is usually cut: more need than this escalates. Absent when it has no such custom. */
  readonly usualCut?: number
}
