/** The verdicts of a task's gates on a recorded answer: gates that read figures run on the recorded ones, the others' verdicts stand. Pure. */
import type { GateInput, GateName } from '../../gates/gate.ts'
import {
  firstRejection,
  gatesFor,
  inOrder,
  isStopped,
  looksAgain,
  type NamedGate,
  needsOpinions,
  runGates,
} from '../../gates/gates.ts'
import { outsideVerdict, scoreBefore } from '../../gates/grey-zone.ts'
import { furtherGates } from '../../pipeline/check.ts'
import type { RouteDecision, Verdict } from '../../spec/decision.ts'
import { PLUGIN_MARK } from '../../spec/plugin.ts'
import { DEFAULT_TASK, type TaskPolicy } from '../../spec/policy.ts'
import { gateReads } from './gate-reads.ts'
import { type NotReplayable, Unrecorded } from './not-replayable.ts'
import { type PolicyChange, taskIn } from './policy-change.ts'
import type { RecordedAnswer } from './recorded-answers.ts'

export interface ReplayedCheck {
  readonly answer: RecordedAnswer
  readonly input: GateInput
  readonly decision: RouteDecision
  readonly change: PolicyChange
  /** Name of the task under which the verdicts were recorded. */
  readonly was: string
  /** Whether the text of the chosen option is known. */
  readonly knowsOption: boolean
}

/** @throws Unrecorded where the outcome hangs on what nobody recorded */
export function replayedVerdicts(check: ReplayedCheck): readonly Verdict[] {
  const { input, answer } = check
  const gates = gatesFor(input.task, input.request)
  const free = gates.filter((gate) => !needsOpinions(gate) && !looksAgain(gate))
  const found = answer.draft === null ? [stopping(check, free)] : [...freeVerdicts(check, free), ...ofPlugins(check)]
  const own = withStopCheck(check, gates, found)
  const further = furtherGates(input.task, gates, own)
  return further.length === 0 ? own : [...own, ...opinionVerdicts(check, own, further)]
}

/** Behind the first rejection nothing changes what becomes of the answer, so what is not known there is left out. */
function freeVerdicts(check: ReplayedCheck, gates: readonly NamedGate[]): readonly Verdict[] {
  const verdicts: Verdict[] = []
  for (const gate of gates) {
    const verdict = verdictOf(check, gate)
    if (verdict) verdicts.push(verdict)
    else if (firstRejection(verdicts) === null) throw new Unrecorded('gate_by_text', gate.name)
  }
  return verdicts
}

/** Code from outside of this package says what it said, as long as it is the same code. */
function ofPlugins({ answer, change }: ReplayedCheck): readonly Verdict[] {
  if (!change.isSame('plugins', ({ policy, files }) => [policy.plugins ?? [], files.plugins ?? []]))
    throw new Unrecorded('gate_by_text', 'plugins')
  return answer.verdicts.filter(({ gate }) => gate.startsWith(PLUGIN_MARK))
}

/** Null where only the answer itself would tell. */
function verdictOf(check: ReplayedCheck, gate: NamedGate): Verdict | null {
  if (FIGURES.has(gate.name) || (gate.name === 'labels' && check.knowsOption))
    return runGates([gate], check.input)[0] ?? null
  return recordedVerdict(check, gate.name)
}

const FIGURES: ReadonlySet<GateName> = new Set(['confidence', 'entropy', 'calibrated'])

function recordedVerdict({ answer, change, input, was }: ReplayedCheck, name: GateName): Verdict | null {
  const found = answer.verdicts.find(({ gate }) => gate === name)
  const isSame = change.isSame(`${name} ${was} ${input.taskName}`, (kept) =>
    gateReads(name, kept, kept === change.old ? was : input.taskName),
  )
  return found && isSame ? found : null
}

/** What ended the draft still does: a plain limit that was not raised, or a gate whose settings are the same. */
function stopping(check: ReplayedCheck, gates: readonly NamedGate[]): Verdict {
  const { answer, input, decision } = check
  const [verdict] = answer.verdicts
  const gate = gates.find(({ name }) => name === verdict?.gate)
  const unknown = new Unrecorded('draft_stopped')
  if (!verdict || !gate || !decision.serve.includes('frontier') || decision.degraded) throw unknown
  if (gate.name !== 'entropy') {
    if (recordedVerdict(check, gate.name)) return verdict
    throw unknown
  }
  const limit = input.task.gates.entropyNats
  const isBounded = input.task.accept.maxErrorRate !== undefined
  if (isBounded || limit === null || verdict.threshold === null || limit > verdict.threshold) throw unknown
  return { ...verdict, threshold: limit }
}

function withStopCheck(check: ReplayedCheck, gates: readonly NamedGate[], own: readonly Verdict[]): readonly Verdict[] {
  const { input, decision } = check
  const gate = gates.find(looksAgain)
  if (!gate || isStopped(own) || (firstRejection(own) && !decision.mayDegrade)) return own
  const said = recordedVerdict(check, gate.name)
  if (!said) throw new Unrecorded('opinion_missing', gate.name)
  return inOrder([...own, held(said, gate, input)])
}

/** A share that was read is held against the limit of now; whether the check was off or failed says the verdict itself. */
function held(said: Verdict, gate: NamedGate, input: GateInput): Verdict {
  if (said.score === null) return said
  const stop = { state: 'read', share: said.score, probability: 0, harmless: 0 } as const
  const verdict = runGates([gate], { ...input, opinions: { score: null, stop } })[0]
  return verdict ? { ...verdict, detail: said.detail } : said
}

function opinionVerdicts(
  check: ReplayedCheck,
  own: readonly Verdict[],
  gates: readonly NamedGate[],
): readonly Verdict[] {
  const verdicts: Verdict[] = []
  const score = scoreBefore(own, check.input)
  for (const { name } of gates) {
    const zone = zoneOf(name, check.input.task)
    const outside = zone && outsideVerdict(name, score, zone)
    verdicts.push(outside ?? insideVerdict(check, name))
    if (verdicts.at(-1)?.accepted !== true) break
  }
  return verdicts
}

/** Inside of the zone somebody was asked, where the answer lay inside of it then, too. */
function insideVerdict(check: ReplayedCheck, name: GateName): Verdict {
  const missing = (why: NotReplayable = 'opinion_missing'): Unrecorded => new Unrecorded(why, name)
  const said = recordedVerdict(check, name)
  if (!said) throw missing()
  const { change, answer, was } = check
  const zone = zoneOf(name, taskIn(change.old, was) ?? DEFAULT_TASK)
  const score = scoreBefore(answer.verdicts, check.input)
  if (zone && outsideVerdict(name, score, zone)) throw missing()
  return said
}

function zoneOf(
  name: GateName,
  { agreement, judge }: TaskPolicy,
): { readonly from: number; readonly to: number } | null {
  if (name === 'agreement' || name === 'semantic_entropy') return agreement?.greyZone ?? null
  return name === 'judge' ? (judge?.greyZone ?? null) : null
}
