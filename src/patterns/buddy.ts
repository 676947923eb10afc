import { doubtedClauses } from '../decide/doubt.ts'
import { loadNounPhrases } from '../decide/noun-phrases.ts'
import { type Correction, patched } from '../decide/patch.ts'
import { type UncertainSpan, uncertainSpans } from '../decide/uncertain-span.ts'
import { orderWindows, type Retriever, windowsOf } from '../decide/windows.ts'
import { firstRejection, isDoubt } from '../gates/gates.ts'
import type { Reason, Verdict } from '../spec/decision.ts'
import type { RouterError } from '../spec/errors.ts'
import type { PatternFacts } from '../spec/pattern-record.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import type { BuddyOptions } from '../spec/policy-buddy.ts'
import { patternOptions } from '../spec/policy-patterns.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import { subjectOf } from './buddy-question.ts'
import { askAboutSpan, type SpanOutcome } from './buddy-span.ts'
import { cascade } from './cascade.ts'
import { silenceReason } from './consulted.ts'
import { acceptedDraft, draftOrAnswer, escalated } from './drafting.ts'
import type { Pattern, PatternInput, PatternResult, PatternTools } from './pattern.ts'
import { type Draft, frontierAnswers, standIn } from './stand-in.ts'

/**
 * Local answers; only the span in doubt is asked about, with the passage that may hold it, and corrected by its place. Checks of gates, hard
 * stops and proven bounds hold: what they reject the frontier answers whole. There is no second look at the whole answer: either every span
 * is settled, or the frontier answers in its place.
 */
export const buddy: Pattern = async (input, tools) => {
  const { decision } = input
  const { setup, off } = tools.standing
  const isAlone = decision.frontier.length === 0 || !decision.serve.includes('frontier')
  // A part of a JSON value cannot be corrected without breaking its form now and then.
  const hasForm = input.request.responseSchema !== undefined
  if (decision.route === 'frontier' || decision.degraded || isAlone || hasForm) return cascade(input, tools)
  tools.note({ setup, ...(off !== null && { outcome: 'off', why: off }) })
  if (off !== null) return cascade(input, tools)
  const made = await draftOrAnswer({ drafter: 'local', input }, tools)
  if ('result' in made) return made.result
  const { draft: checked } = made
  const doubt = doubtOf(input, checked)
  if (doubt === null) return tools.isSampled ? audited(input, tools, checked) : acceptedDraft(checked)
  const draft = { ...checked, verdicts: withDoubt(checked.verdicts, doubt) }
  if (!isDoubt(doubt)) return escalated(input, tools, { draft, rejected: doubt })
  return tools.isSampled ? compared(input, tools, { draft, doubt }) : concluded(input, tools, { draft, doubt })
}

interface Doubted {
  readonly draft: Draft
  readonly doubt: Verdict
}

/** The rejection that counts: one that is more than doubt before one that is not; of prose that gates accept, a doubted clause. */
function doubtOf({ task }: PatternInput, { asked, verdicts }: Draft): Verdict | null {
  const rejected = verdicts.find((verdict) => !verdict.accepted && !isDoubt(verdict)) ?? firstRejection(verdicts)
  if (rejected) return rejected
  const { entropyNats } = task.gates
  const isProven = verdicts.some(({ gate, threshold }) => gate === 'calibrated' && threshold !== null)
  const isProse = verdicts.some(({ gate }) => gate === 'entropy')
  if (!isProse || isProven || entropyNats === null || !asked.answer.tokens) return null
  const [clause] = doubtedClauses(asked.answer.text, asked.answer.tokens, entropyNats)
  if (!clause) return null
  const detail = `A clause has a token of at least ${clause.entropyNats.toFixed(3)} nats, limit ${entropyNats}.`
  return {
    gate: 'entropy',
    accepted: false,
    reason: 'entropy_high',
    score: clause.entropyNats,
    threshold: entropyNats,
    detail,
  }
}

/** A doubted clause is a verdict like those of gates, so that the record shows why somebody was asked. */
function withDoubt(verdicts: readonly Verdict[], doubt: Verdict): readonly Verdict[] {
  return verdicts.includes(doubt) ? verdicts : [...verdicts, doubt]
}

/** What asking about the spans came to. */
interface Finding {
  readonly draft: Draft
  readonly outcomes: readonly SpanOutcome[]
  readonly corrections: readonly Correction[]
  /** The answer with them; null when a span is open, or when there is none to ask about. */
  readonly text: string | null
  /** Why the frontier could not be asked; null when it could. */
  readonly failure: RouterError | null
}

async function find(
  { request, task }: PatternInput,
  tools: PatternTools,
  { draft, doubt, delivery }: Doubted & { readonly delivery: BuddyOptions['delivery'] },
): Promise<Finding> {
  const options = patternOptions(task, 'buddy')
  const spans = await spansOf(task, draft, options.questions)
  tools.note({ spans: spans.map(({ kind, start, end, entropyNats }) => [kind, start, end, entropyNats]) })
  const nothing = { draft, outcomes: [], corrections: [], text: null, failure: null }
  if (spans.length === 0) return nothing
  const reason = doubt.reason ?? 'entropy_high'
  // What is rendered for the caller has other places than the answer that was read.
  const isSoon = delivery === 'at_once' && task.render === undefined
  const asked = isSoon ? await tools.deliver(draft.asked, reason) : draft.asked
  const outcomes = await askAll({ request, task }, tools, { answer: asked.answer.text, spans })
  tools.note(factsOf(outcomes))
  const failure = outcomes.find((outcome) => outcome.failure !== null)?.failure ?? null
  const corrections = outcomes.flatMap(({ correction }) => (correction ? [correction] : []))
  const isOpen = outcomes.some(({ type }) => type === 'unresolved')
  const text = isOpen ? null : patched(asked.answer.text, corrections)
  return { draft: { ...draft, asked }, outcomes, corrections, text, failure }
}

async function askAll(
  { request, task }: Pick<PatternInput, 'request' | 'task'>,
  tools: PatternTools,
  { answer, spans }: { readonly answer: string; readonly spans: readonly UncertainSpan[] },
): Promise<readonly SpanOutcome[]> {
  const options = patternOptions(task, 'buddy')
  const subject = subjectOf(request, task)
  const windows = subject.document === null ? [] : windowsOf(subject.document)
  const retrieve = tools.retriever(options.retriever)
  return await Promise.all(
    spans.map(async (span): Promise<SpanOutcome> => {
      const query = span.kind === 'answer' ? subject.question : `${subject.question} ${span.text}`
      const take = await orderWindows(query, windows, windows.length > options.windows ? retrieve : asTheyStand)
      const { metadata } = request
      return askAboutSpan(tools, { subject, answer, span, take, windows: windows.length, options, metadata })
    }),
  )
}

/** All of them are sent, so nobody has to choose. */
const asTheyStand: Retriever = async (_, texts) => texts.map(() => 0)

async function spansOf(task: TaskPolicy, { asked }: Draft, most: number): Promise<readonly UncertainSpan[]> {
  const { answer, option } = asked
  const doubted = {
    text: answer.text,
    tokens: answer.tokens ?? null,
    isClosed: option !== null || answer.reading !== undefined,
    entropyNats: task.gates.entropyNats ?? DEFAULT_NATS,
    most,
  }
  const spans = await uncertainSpans(doubted, loadNounPhrases)
  // An answer that was read and not written has no tokens of its own, but the figures of those that were read.
  const known = answer.signals?.maxTokenEntropyNats ?? null
  return spans.map((span) =>
    span.kind === 'answer' && span.entropyNats === null ? { ...span, entropyNats: known } : span,
  )
}

/** Of the policy key, where a task that does not gate on entropy still has an answer in doubt. */
const DEFAULT_NATS = 0.8

function factsOf(outcomes: readonly SpanOutcome[]): PatternFacts {
  const count = (type: SpanOutcome['type']): number => outcomes.filter((outcome) => outcome.type === type).length
  return {
    questions: outcomes.reduce((sum, { questions }) => sum + questions, 0),
    confirmed: count('confirmed'),
    corrected: count('corrected'),
    unresolved: count('unresolved'),
    exact: outcomes.filter(({ questions, type }) => questions === 0 && type !== 'unresolved').length,
    evidence: outcomes.flatMap(({ evidence }) => (evidence ? [[evidence.start, evidence.end]] : [])),
  }
}

async function concluded(input: PatternInput, tools: PatternTools, doubted: Doubted): Promise<PatternResult> {
  const { delivery, unresolved } = patternOptions(input.task, 'buddy')
  const { doubt } = doubted
  const found = await find(input, tools, { ...doubted, delivery })
  const { draft, failure } = found
  if (found.text !== null) {
    tools.note({ outcome: found.corrections.length > 0 ? 'corrected' : 'confirmed' })
    // Who was told a reason already is not told another one.
    const isSure = found.corrections.length === 0 && delivery === 'held'
    return settled(input, found, isSure ? 'local_accepted' : (doubt.reason ?? 'entropy_high'))
  }
  const isAsked = found.outcomes.length > 0
  // Who has the answer keeps it; whoever waits for the whole gets the same.
  if (isAsked && delivery === 'at_once') return kept(input, tools, { found, doubt })
  if (failure) return silent(input, tools, { draft, failure })
  if (isAsked && unresolved === 'keep') return kept(input, tools, { found, doubt })
  tools.note({ outcome: isAsked ? 'escalated' : 'no_span' })
  return escalated(input, tools, { draft, rejected: doubt })
}

function settled(input: PatternInput, { draft, outcomes, corrections, text }: Finding, reason: Reason): PatternResult {
  const confirmed = outcomes.length - corrections.length
  const detail = `${confirmed} doubted spans were confirmed, ${corrections.length} corrected.`
  const verdict: Verdict = { gate: 'buddy', accepted: true, reason: null, score: null, threshold: null, detail }
  return {
    ...withText(input, draft, { text: text ?? draft.asked.answer.text, corrections }),
    reason,
    verdicts: [...draft.verdicts, verdict],
    degraded: false,
    wouldEscalateTo: null,
  }
}

/** Spans stay open: what was settled is put in, and the answer is marked. After a hard stop there is none; gates that stop ended it before. */
function kept(
  input: PatternInput,
  tools: PatternTools,
  { found, doubt }: { readonly found: Finding; readonly doubt: Verdict },
): PatternResult {
  const { draft, corrections, failure } = found
  tools.note({ outcome: 'kept', ...(failure && { failure: failure.code }) })
  const was = draft.asked.answer.text
  const text = patched(was, corrections)
  const model = input.decision.frontier[0] ?? 'frontier'
  return {
    ...withText(input, draft, { text: text ?? was, corrections: text === null ? [] : corrections }),
    reason: failure ? silenceReason('frontier', failure) : (doubt.reason ?? 'entropy_high'),
    verdicts: draft.verdicts,
    degraded: true,
    wouldEscalateTo: { model, why: failure?.message ?? 'what it was asked about a part of the answer found nothing' },
  }
}

/** Nobody could be asked about a part, so nobody could be asked for the whole. */
function silent(
  { decision }: PatternInput,
  tools: PatternTools,
  { draft, failure }: { readonly draft: Draft; readonly failure: RouterError },
): PatternResult {
  tools.note({ outcome: 'failed', failure: failure.code })
  if (!decision.mayDegrade) throw failure
  const wouldEscalateTo = { model: decision.frontier[0] ?? 'frontier', why: failure.message }
  return standIn(draft, { reason: silenceReason('frontier', failure), wouldEscalateTo })
}

/** The answer in other words. An option is rendered for the caller, and another one in its place has the same form. */
function withText(
  { task }: PatternInput,
  { asked }: Draft,
  { text, corrections }: { readonly text: string; readonly corrections: readonly Correction[] },
): Pick<PatternResult, 'asked' | 'corrections'> {
  if (corrections.length === 0) return { asked }
  const shown = asked.option && optionsOf(task) ? (task.render?.replaceAll('{value}', () => text) ?? text) : text
  const { reading: _, tokens: _t, ...answer } = asked.answer
  const told = corrections.map(({ start, end, text: words }) => ({ start, end, text: words }))
  const other = { ...asked, option: null, answer: { ...answer, text: shown, raw: null } }
  return { asked: other, ...(asked.delivered && { corrections: told }) }
}

/** The frontier answers the whole request beside what was drawn: the label that says whether the pattern pays and does no harm. */
async function compared(input: PatternInput, tools: PatternTools, doubted: Doubted): Promise<PatternResult> {
  const found = await find(input, tools, { ...doubted, delivery: 'held' })
  const { draft, text } = found
  if (found.failure) return silent(input, tools, { draft, failure: found.failure })
  const result = await audited(input, tools, draft)
  const full = result.asked
  if (full?.actor !== 'frontier') return result
  const same = (answer: string): boolean | null => tools.sameAnswer(answer, full.answer.text)
  const servedRight = text === null ? null : same(text)
  tools.note({ outcome: 'compared', draftRight: same(draft.asked.answer.text), servedRight, escalates: text === null })
  return result
}

/** The caller's own request goes out, without the draft: a label that has seen the answer would not be independent. */
async function audited(input: PatternInput, tools: PatternTools, draft: Draft): Promise<PatternResult> {
  const result = await frontierAnswers(input, tools, { request: input.request, reason: 'audit_sample', draft })
  const isAccepted = firstRejection(draft.verdicts) === null
  return result.asked?.actor === 'local' && isAccepted ? acceptedDraft(draft) : result
}
