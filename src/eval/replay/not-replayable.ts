/** Why a record does not say what another policy would have done. */

/** In the words of a report; `gate_by_text` and the like say what the text would have to be read for. */
export const NOT_REPLAYABLE = {
  older_record: 'recorded before records held what a plan hung on',
  unfinished: 'no end is recorded: a crash, or still under way',
  caller_gone: 'the caller left or its time was over',
  policy_unknown: 'the policy it was recorded under is not kept any more',
  released: 'a person released it, and nobody knows what they would have done',
  own_task: 'the request brought a task of its own, or was asked by another one',
  task_by_text: 'its task would be chosen by words of the text',
  complexity_by_text: 'its complexity would be read from the text',
  partition_by_text: 'its partition would be read from the text or its documents',
  hard_stop_by_text: 'hard-stop terms that were not looked for',
  novelty_by_text: 'novelty would be judged anew',
  solver_by_text: 'nobody looked whether a solver answers it',
  cached: 'it was answered from the cache, which another policy would fill in another way',
  no_answer: 'the model that would answer was not asked',
  other_answer: 'another prompt, option, head or model setting would give another answer',
  gate_by_text: 'a gate that would read the answer itself',
  draft_stopped: 'the draft was stopped before its end',
  opinion_missing: 'a second opinion that nobody was asked for, or under other settings',
  calibration_gone: 'the calibration that decided is not kept any more',
  pattern_consults: 'its pattern would ask somebody beside the answer',
  price_unknown: 'a price that was not asked for decides between two frontiers',
} as const
export type NotReplayable = keyof typeof NOT_REPLAYABLE

/** Thrown through patterns and rules: the record does not hold what they ask for. */
export class Unrecorded extends Error {
  readonly why: NotReplayable
  /** What of it, for example the name of a gate; null when there is nothing to add. */
  readonly what: string | null

  constructor(why: NotReplayable, what: string | null = null) {
    super(NOT_REPLAYABLE[why])
    this.why = why
    this.what = what
  }
}
