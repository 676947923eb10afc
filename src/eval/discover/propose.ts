/** From traffic to proposed tasks. Pure. */
import { groupRequests, type RequestGroup } from './group.ts'
import { type GroupText, readGroup } from './group-text.ts'
import { type FoundKind, type KindReading, kindOf } from './kind.ts'
import { endsOfExcerpt, partsOf, type SeenRequest } from './seen.ts'
import { shapeOf, type TaskShape } from './shape.ts'
import { descriptionOf, type LocalPrompt, localPrompt, nameOf } from './wording.ts'

export interface TaskMatch {
  readonly systemHash?: string
  readonly system?: readonly string[]
  readonly user?: readonly string[]
  readonly tools?: readonly string[]
}

export interface TaskProposal {
  readonly name: string
  readonly kind: FoundKind
  /** `clear`: the evidence is far ahead of the next kind's; `likely`; `guess`: look at it first. */
  readonly certainty: 'clear' | 'likely' | 'guess'
  readonly evidence: readonly string[]
  readonly requests: number
  /** Requests of the group, some. */
  readonly ids: readonly string[]
  readonly description: string
  /** Null when nothing constant tells the group apart: its requests have to name the task. */
  readonly match: TaskMatch | null
  readonly shape: TaskShape
  readonly prompt: LocalPrompt | null
  readonly escalateLabels: readonly string[]
  /** Why no local model should be asked; null where one may be tried. */
  readonly frontierOnly: string | null
  readonly maxInputChars: number
  /** Model names of the requests, the most frequent first. */
  readonly models: readonly string[]
}

export interface Discovery {
  /** In the order of a policy: the first that matches counts. */
  readonly proposals: readonly TaskProposal[]
  /** Requests of no group that is large enough, or of one without anything constant. */
  readonly ungrouped: number
  readonly requests: number
}

export interface DiscoverySettings {
  /** Smaller groups are not proposed. */
  readonly leastRequests: number
  /** Hex, of UTF-8 bytes. */
  readonly sha256: (text: string) => string
}

/** Evidence so far ahead was never the wrong kind on traffic whose kind is known; so little ahead it often is. */
const CLEAR_LEAD = 3
const LIKELY_LEAD = 1
/** A system prompt that says no more than this leaves it to the user's words what is to be done. */
const TELLING_WEIGHT = 1.5
const INPUT_ROUNDING = 1000

export function discover(seen: readonly SeenRequest[], settings: DiscoverySettings): Discovery {
  const groups = groupRequests(seen, isTelling)
  const large = groups.filter((group) => group.members.length >= settings.leastRequests && isApart(group))
  const taken = new Set<string>()
  const proposals = large.map((group) => {
    const proposal = propose(group, taken, settings)
    taken.add(proposal.name)
    return proposal
  })
  const grouped = proposals.reduce((sum, { requests }) => sum + requests, 0)
  return { proposals: proposals.toSorted(byPrecision), ungrouped: seen.length - grouped, requests: seen.length }
}

function isTelling(system: string): boolean {
  const { evidence } = kindOf({
    instructions: system,
    inputs: [],
    shots: null,
    answers: null,
    answerCount: 0,
    maxTokens: null,
    wantsJson: false,
    schema: null,
    toolShare: 0,
    toolCallShare: null,
  })
  return evidence.reduce((sum, { weight }) => sum + weight, 0) >= TELLING_WEIGHT
}

/** What has nothing constant is no application's. */
function isApart({ system, systemPieces, userPieces, tools }: RequestGroup): boolean {
  return system !== null || systemPieces.length > 0 || userPieces.length > 0 || tools !== null
}

/** The task of one request alone: what is constant in others like it is not known, so only its system prompt and tools can match. */
export function suggest(seen: SeenRequest, settings: Pick<DiscoverySettings, 'sha256'>): TaskProposal {
  const parts = partsOf(seen)
  const system = parts.system.trim() === '' ? null : parts.system
  const tools = system === null && parts.tools.length > 0 ? parts.tools : null
  const group = { members: [{ seen, parts }], system, systemPieces: [], userPieces: [], tools }
  const proposal = propose({ ...group, userPieces: system === null ? [parts.asked] : [] }, new Set(), settings)
  return { ...proposal, match: matchOf(group, settings) }
}

function propose(
  group: RequestGroup,
  taken: ReadonlySet<string>,
  settings: Pick<DiscoverySettings, 'sha256'>,
): TaskProposal {
  const text = readGroup(group)
  const reading = kindOf(text)
  const shape = shapeOf(reading, text.schema)
  return {
    name: nameOf(reading, text, taken),
    kind: reading.kind,
    certainty: reading.lead >= CLEAR_LEAD ? 'clear' : reading.lead >= LIKELY_LEAD ? 'likely' : 'guess',
    evidence: evidenceOf(reading),
    requests: group.members.length,
    ids: group.members.map(({ seen }) => seen.id),
    description: descriptionOf(text),
    match: matchOf(group, settings),
    shape,
    prompt: localPrompt(group, text, reading),
    escalateLabels: (shape.labels ?? []).filter((label) => SETTLED_BY_PEOPLE.test(label)),
    frontierOnly: frontierOnly(group, reading, text),
    maxInputChars: longestInput(group),
    models: byFrequency(group.members.flatMap(({ seen }) => seen.model ?? [])),
  }
}

function evidenceOf({ evidence }: KindReading): readonly string[] {
  if (evidence.length === 0) return ['nothing tells the kind; free text is assumed']
  return evidence.toSorted((a, b) => b.weight - a.weight).map(({ why }) => why)
}

/** Access, security, law and danger, and answers that say "I cannot tell", by the common words of some languages. */
const SETTLED_BY_PEOPLE =
  /^(?:access|security|auth\w*|permissions?|credentials?|fraud|abuse|legal|emergency|self[-_ ]?harm|unknown|unclear|unsure|zugang|zugriff|sicherheit|berechtigung|betrug|notfall|recht|unbekannt|unklar|accès|sécurité|fraude|urgence|inconnu|acceso|seguridad|emergencia|desconocido|accesso|sicurezza|frode|emergenza|sconosciuto|toegang|beveiliging|onbekend|доступ|безопасность|неизвестно)$/iu

function matchOf(
  { system, systemPieces, userPieces, tools }: RequestGroup,
  { sha256 }: Pick<DiscoverySettings, 'sha256'>,
): TaskMatch | null {
  const ends = system === null ? null : endsOfExcerpt(system)
  const match: TaskMatch = {
    // Of a prompt that was cut nobody has the hash.
    ...(ends !== null && { system: [ends[0].slice(0, END_CHARS).trim(), ends[1].slice(-END_CHARS).trim()] }),
    ...(system !== null && ends === null && { systemHash: `sha256:${sha256(system)}` }),
    ...(systemPieces.length > 0 && { system: systemPieces }),
    ...(userPieces.length > 0 && { user: userPieces }),
    ...(tools !== null && { tools }),
  }
  return Object.keys(match).length > 0 ? match : null
}

/** So much of either end tells a very long prompt from others. */
const END_CHARS = 400

/** At least so many of the requests come from inside an agent's loop. */
const LOOP_SHARE = 0.2

function frontierOnly({ members }: RequestGroup, { kind }: KindReading, text: GroupText): string | null {
  if (kind === 'code') return 'Code is never the first task to move: wrong code looks right.'
  const inLoop = members.filter(({ parts }) => parts.inLoop).length / members.length
  if (inLoop >= LOOP_SHARE) return 'Steps of an agent loop: a turn keeps its model.'
  const images = members.some(({ seen }) =>
    seen.request.messages.some(
      ({ content }) => typeof content !== 'string' && content.some(({ type }) => type !== 'text'),
    ),
  )
  if (images) return 'Some requests hold images or files, which a text model does not read.'
  return kind === 'tools' && text.toolCallShare !== null && text.toolCallShare < 0.5
    ? 'Most answers call no tool.'
    : null
}

/** Room for all but the longest hundredth. */
function longestInput({ members }: RequestGroup): number {
  const lengths = members.map(({ parts }) => parts.asked.length).toSorted((a, b) => a - b)
  const most = lengths[Math.ceil(lengths.length * 0.99) - 1] ?? 0
  return Math.max(INPUT_ROUNDING, Math.ceil((most * 1.2) / INPUT_ROUNDING) * INPUT_ROUNDING)
}

function byFrequency(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name]) => name)
}

/** Two claims are more precise than one; among equals the larger group is asked first. */
function byPrecision(a: TaskProposal, b: TaskProposal): number {
  const claims = ({ match }: TaskProposal): number => Object.keys(match ?? {}).length
  return claims(b) - claims(a) || b.requests - a.requests
}
