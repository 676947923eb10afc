/** One audit record as people read it: what was known, what was removed, who was asked, what the gates said. */
import type { AuditRecord, CandidateResult, ShadowResult } from '../spec/audit.ts'
import type { PatternFact, PatternFacts } from '../spec/pattern-record.ts'
import { attemptText, dollars, milliseconds, verdictText } from './outcome-text.ts'

export function traceLines(record: AuditRecord): readonly string[] {
  return [...what(record), ...rules(record), ...work(record), ...end(record)]
}

function what(record: AuditRecord): readonly string[] {
  const { features } = record
  const who = [record.user, record.group, record.tenant].filter((name) => name !== null).join(', ')
  return [
    `request    ${record.requestId}${record.taskId ? ` (task id ${record.taskId})` : ''}`,
    ...(record.parent ? [`asked by   ${record.parent}`] : []),
    ...(record.release ? [`released   ${record.release.held}, ${byWhom(record.release)}`] : []),
    `received   ${record.receivedAt}${who ? ` from ${who}` : ''}`,
    `task       ${record.task} (${features.taskSource}), ${features.kind}, ${features.complexity}`,
    `input      ${features.inputChars} characters, ${features.messages} messages, ${record.inputHash}`,
    ...(record.preview ? [`preview    ${record.preview}`] : []),
    `partition  ${features.partition}${record.egress?.some(({ anonymised }) => anonymised) ? ', left anonymised' : ''}`,
    `policy     ${record.policyDigest}`,
    ...(record.circumstances?.traceId ? [`trace      ${record.circumstances.traceId}`] : []),
  ]
}

function rules(record: AuditRecord): readonly string[] {
  return [
    ...record.hardStops.map((hit) => `hard stop  ${hit.kind}: "${hit.term}" in ${hit.field}`),
    ...record.removals.map(
      (item) => `removed    ${item.actor} from ${item.set} (${item.rule}, ${item.reason}): ${item.detail}`,
    ),
    ...(record.continues
      ? [`continues  ${record.continues.model} (${record.continues.because}): ${record.continues.detail}`]
      : []),
  ]
}

function work(record: AuditRecord): readonly string[] {
  const model = record.localModel
  const digest = model?.identity.digest ? ` ${model.identity.digest.slice(0, 19)}…` : ''
  return [
    ...(model ? [`local      ${model.name}, ${model.identity.quantisation ?? 'quantisation unknown'}${digest}`] : []),
    ...record.attempts.map((attempt) => `attempt    ${attemptText(attempt)}`),
    ...optionLines(record),
    ...(record.pattern ? [`pattern    ${record.pattern.name}: ${factsText(record.pattern.did)}`] : []),
    ...record.verdicts.map((verdict) => `gate       ${verdictText(verdict)}`),
    ...(record.plugins ?? []).map(({ kind, name, version, did }) => `plugin     ${kind} ${name} ${version} ${did}`),
    ...(record.shadow
      ? [
          `shadow     ${record.shadow.model} would ${record.shadow.wouldAccept ? 'be accepted' : 'be rejected'}${agreementText(record.shadow)}`,
        ]
      : []),
    ...(record.candidate ? [`candidate  ${candidateText(record.candidate)}`] : []),
    ...(record.candidateDropped ? [`candidate  left out (${record.candidateDropped})`] : []),
  ]
}

function candidateText({ model, prompt, wouldAccept, incumbent, isSame, ...result }: CandidateResult): string {
  const named = prompt?.version ? `${model} with prompt ${prompt.version}` : model
  if (result.answerHash === null) return `${named} gave no answer (${result.attempt.error ?? 'unknown'})`
  const alike = isSame === null ? '' : `, says ${isSame ? 'the same as' : 'something else than'} ${incumbent.model}`
  return `${named} would ${wouldAccept ? 'be accepted' : 'be rejected'}${alike}${agreementText(result)}`
}

/** `verdict REJECT, consultations 2` */
function factsText(did: PatternFacts): string {
  const plain = (fact: PatternFact): string => (typeof fact === 'string' ? fact : JSON.stringify(fact))
  return Object.entries(did)
    .map(([name, fact]) => `${name} ${plain(fact)}`)
    .join(', ')
}

function optionLines(record: AuditRecord): readonly string[] {
  const options = record.signals?.options
  if (!options) return []
  return [`options    ${options.map((option) => `${option.value} ${option.probability.toFixed(3)}`).join(', ')}`]
}

function end(record: AuditRecord): readonly string[] {
  const degraded = record.decision?.degraded ? ', degraded' : ''
  const proven = record.decision?.proven ? 'proven' : 'not proven'
  return [
    `route      ${record.route}, ${record.reason}${degraded}`,
    `outcome    ${record.outcome}, ${proven}${record.error ? `, ${record.error}` : ''}`,
    `time       ${record.latencyMs === null ? 'unknown' : milliseconds(record.latencyMs)}, cost ${dollars(record.costUsd)}`,
    `settled    ${record.settledAt ?? 'not yet'}`,
    ...decided(record),
  ]
}

/** Of a held request: what a person made of it. */
function decided({ held }: AuditRecord): readonly string[] {
  if (!held) return []
  return [`decided    ${held.action}${held.releasedAs ? ` as ${held.releasedAs}` : ''}, ${byWhom(held)}`]
}

/** `to big by ann: test data` */
function byWhom({ to, by, why }: NonNullable<AuditRecord['release']> | NonNullable<AuditRecord['held']>): string {
  return `${to === null ? '' : `to ${to} `}by ${by}${why === '' ? '' : `: ${why}`}`
}

function agreementText({ agreement }: Pick<ShadowResult, 'agreement'>): string {
  if (!agreement) return ''
  return `, ${agreement.agrees ? 'agrees' : 'does not agree'} with the answer (${agreement.kind})`
}
