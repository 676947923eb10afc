/** What `classify` reads from a request. Plain data; no request text. */
import type { Complexity, HardStopHit, Partition, TaskKind } from './decision.ts'
import type { WireDialect } from './wire.ts'

/**
 * `no_history`: nothing is stopped until the task has kept enough. Else the shares of the history's own texts, 0 to 1, that lie as far
 * away and whose neighbours' answers conflict as much.
 */
export type NoveltyState =
  | { readonly state: 'no_history'; readonly examples: number; readonly needed: number }
  | { readonly state: 'judged'; readonly examples: number; readonly unlike: number; readonly conflict: number | null }

export interface Features {
  /** The task's name, or the action's; `default` when the request names and matches none. */
  readonly task: string
  readonly taskSource: 'caller' | 'match' | 'default'
  /** False when the caller named a task that neither tasks nor actions know. */
  readonly taskKnown: boolean
  readonly action: string | null
  readonly kind: TaskKind
  readonly complexity: Complexity
  readonly partition: Partition
  /** What made the partition what it is, for people. */
  readonly partitionSource: string
  /** Set when nothing but what detectors found in the text makes the request `local_only`. */
  readonly onlyDetected?: true
  /** Set when the request is `local_only` and may leave all the same, with everything that detectors know taken out. */
  readonly anonymised?: true
  readonly hardStops: readonly HardStopHit[]
  /** Absent unless the task asks for novel stops (`novel`). */
  readonly novelty?: NoveltyState
  /** Characters of the text the local model would read. */
  readonly inputChars: number
  /** Characters of all messages divided by 4, rounded up: an estimate, and only used as one. */
  readonly inputTokensEstimated: number
  readonly messages: number
  readonly hasTools: boolean
  readonly hasImages: boolean
  readonly hasSchema: boolean
  /** What the request asks for beyond text, tools and images; see `RouterRequest.needs`. */
  readonly needs: readonly string[]
  /** Of the caller's own body; absent for requests of the library. */
  readonly dialect?: WireDialect
  readonly wantsCodeChange: boolean
  /** Set for a request that goes on with a turn before: a tool's result, or a bare "go on". Absent: a person asks something. */
  readonly turn?: 'go_ahead' | 'tool_result'
  readonly impact: 'low' | 'medium' | 'high'
  readonly affectsSystemState: boolean
  readonly userVisibleOutput: boolean
  readonly group: string | null
  readonly tenant: string | null
  /** sha256 over the caller's conversation id, or over the first user message when there is none; for stable shares. */
  readonly conversationHash: string
  /** `sha256:` of the system prompt; null when there is none. */
  readonly systemHash: string | null
  /** `sha256:` over the canonical messages. */
  readonly inputHash: string
}

/** Whether anything of the request may go to another machine at all. */
export function mayLeave({ partition, anonymised }: Pick<Features, 'partition' | 'anonymised'>): boolean {
  return partition !== 'local_only' || anonymised === true
}
