/** Groups of requests that one application sends for one purpose, by what is constant in them. Pure. */
import { commonPieces } from './frames.ts'
import { labelKey } from './labels.ts'
import { partsOf, type RequestParts, type SeenRequest } from './seen.ts'

export interface SeenParts {
  readonly seen: SeenRequest
  readonly parts: RequestParts
}

export interface RequestGroup {
  readonly members: readonly SeenParts[]
  /** The one system prompt of all members; null when there is none or it changes. */
  readonly system: string | null
  /** Pieces of a system prompt that changes. */
  readonly systemPieces: readonly string[]
  /** The constant frame of what is asked, where it tells the group apart. */
  readonly userPieces: readonly string[]
  /** Set when the tools tell the group apart. */
  readonly tools: readonly string[] | null
}

/** A system prompt that comes as often as this is written by hand and not filled in. */
const FIXED_PROMPT = 5
/** Two prompts of which so many words are the same differ in a date or a name. */
const SAME_WORDS = 0.8
/** A frame around what changes has at least so many words. */
const FRAME_WORDS = 5
const WORDS_OF_ANCHOR = 4
const FEWEST_OF_FRAME = 4

/** @param isTelling whether a system prompt alone says what is to be done; under one that does not, what is asked tells tasks apart */
export function groupRequests(
  seen: readonly SeenRequest[],
  isTelling: (system: string) => boolean,
): readonly RequestGroup[] {
  const all = seen.map((one) => ({ seen: one, parts: partsOf(one) }))
  const withSystem = all.filter(({ parts }) => parts.system.trim() !== '')
  const without = all.filter(({ parts }) => parts.system.trim() === '')
  const bySystem = clustersBySystem(withSystem).flatMap((members) => {
    const group = systemGroup(members)
    const told = group.system ?? group.systemPieces.join('\n')
    const offering = members.filter(({ parts }) => parts.tools.length > 0).length
    // Which tool is right is what such requests ask, whatever they are about.
    return isTelling(told) || offering > members.length / 2
      ? [group]
      : splitByFrame(members, { under: group, isTelling })
  })
  const byTools = byKey(
    without.filter(({ parts }) => parts.tools.length > 0),
    ({ parts }) => parts.tools.join('\n'),
  ).map((members) => ({ ...systemGroup(members), tools: members[0]?.parts.tools ?? null }))
  const plain = without.filter(({ parts }) => parts.tools.length === 0)
  return [
    ...bySystem,
    ...byTools,
    ...(plain.length > 0 ? splitByFrame(plain, { under: null, isTelling }) : []),
  ].toSorted((a, b) => b.members.length - a.members.length)
}

function systemGroup(members: readonly SeenParts[]): RequestGroup {
  const systems = new Set(members.map(({ parts }) => parts.system))
  const [only = ''] = systems
  const isOne = systems.size === 1 && only.trim() !== ''
  return {
    members,
    system: isOne ? only : null,
    systemPieces: systems.size > 1 ? commonPieces([...systems]) : [],
    userPieces: [],
    tools: null,
  }
}

/**
 * Prompts that come again and again are apart unless they differ in a word or two; rare ones that differ in no more than that join as
 * well, and the rest by the words that they begin or end with.
 */
function clustersBySystem(all: readonly SeenParts[]): readonly (readonly SeenParts[])[] {
  const texts = byKey(all, ({ parts }) => parts.system).toSorted((a, b) => b.length - a.length)
  const clusters: PromptCluster[] = []
  const rare: PromptCluster[] = []
  const strange: (readonly SeenParts[])[] = []
  for (const members of texts) {
    const system = members[0]?.parts.system ?? ''
    const prompt = { words: shingles(system), labels: labelKey(system) }
    const alike = [...clusters, ...rare].find((one) => isSamePrompt(one, prompt))
    if (alike) alike.members.push(...members)
    else if (members.length >= FIXED_PROMPT) clusters.push({ ...prompt, members: [...members] })
    else if (rare.length < MOST_RARE) rare.push({ ...prompt, members: [...members] })
    else strange.push(members)
  }
  const joined = rare.filter(({ members }) => members.length >= FIXED_PROMPT)
  const left = [...rare.filter((one) => !joined.includes(one)).map(({ members }) => members), ...strange].flat()
  return [
    ...[...clusters, ...joined].map(({ members }) => members),
    ...clustersByAnchor(left, ({ parts }) => parts.system),
  ]
}

interface PromptCluster {
  readonly words: ReadonlySet<string>
  readonly labels: string
  readonly members: SeenParts[]
}

/** Every prompt is compared with all of them, which thousands of filled-in prompts would make slow. */
const MOST_RARE = 64

function isSamePrompt(one: Omit<PromptCluster, 'members'>, other: Omit<PromptCluster, 'members'>): boolean {
  return one.labels === other.labels && likeness(one.words, other.words) >= SAME_WORDS
}

/** Share of the shingles of both, 0 to 1. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let both = 0
  for (const shingle of one) if (other.has(shingle)) both += 1
  return (2 * both) / Math.max(1, one.size + other.size)
}

/** Pairs of neighbouring words. */
function shingles(text: string): ReadonlySet<string> {
  const words = text.split(/\s+/).filter((word) => word !== '')
  return new Set(words.map((word, at) => `${word} ${words[at + 1] ?? ''}`))
}

/** Texts that begin or end with the same words, and have a frame; the rest together, at the end. */
function clustersByAnchor(
  all: readonly SeenParts[],
  textOf: (one: SeenParts) => string,
): readonly (readonly SeenParts[])[] {
  let left = all
  const found: (readonly SeenParts[])[] = []
  for (;;) {
    const anchor = strongestAnchor(left.map(textOf))
    if (anchor === null) break
    const members = left.filter((one) => anchorsOf(textOf(one)).includes(anchor))
    found.push(members)
    left = left.filter((one) => !members.includes(one))
  }
  return left.length > 0 ? [...found, left] : found
}

/** The beginning or end that most texts share and around which a frame stands. */
function strongestAnchor(texts: readonly string[]): string | null {
  const counts = new Map<string, string[]>()
  for (const text of new Set(texts))
    for (const anchor of anchorsOf(text)) {
      const holders = counts.get(anchor)
      if (holders) holders.push(text)
      else counts.set(anchor, [text])
    }
  const often = [...counts].filter(([, holders]) => holders.length >= FEWEST_OF_FRAME)
  const sorted = often.toSorted(([, a], [, b]) => b.length - a.length).slice(0, ANCHORS_TRIED)
  return sorted.find(([, holders]) => isFrame(commonPieces(holders)))?.[0] ?? null
}

const ANCHORS_TRIED = 12

/** Questions that begin alike ("What is the capital of") are no frame; an instruction with its mark is. */
function isFrame(pieces: readonly string[]): boolean {
  const words = pieces.join(' ').split(/\s+/)
  return words.length >= FRAME_WORDS || pieces.some((piece) => /[:：>\n]$/.test(piece) && words.length >= 2)
}

/** The first and the last words of a text, and its first line when that is short and ends with a colon. */
function anchorsOf(text: string): readonly string[] {
  const words = text.trim().split(/\s+/, 400)
  const lead = /^\s*([^\n:：]{3,80}[:：])/.exec(text)?.[1]
  const tail = text.trim().slice(-200).split(/\s+/).slice(-WORDS_OF_ANCHOR)
  return [
    ...(words.length > WORDS_OF_ANCHOR ? [`^${words.slice(0, WORDS_OF_ANCHOR).join(' ')}`] : []),
    ...(tail.length === WORDS_OF_ANCHOR && words.length > 2 * WORDS_OF_ANCHOR ? [`$${tail.join(' ')}`] : []),
    ...(lead === undefined ? [] : [`:${lead}`]),
  ]
}

interface SplitSettings {
  readonly under: RequestGroup | null
  readonly isTelling: (text: string) => boolean
}

/**
 * Under one system prompt, or none: a group for each frame of what is asked, and one for what has none. Under a system prompt a frame has
 * to say what is to be done; people who begin their messages alike do not ask for different tasks.
 */
function splitByFrame(members: readonly SeenParts[], { under, isTelling }: SplitSettings): readonly RequestGroup[] {
  const base = under ?? { system: null, systemPieces: [], userPieces: [], tools: null, members }
  const clusters = clustersByAnchor(members, ({ parts }) => parts.asked)
  const groups = clusters.map((cluster) => {
    const pieces = commonPieces(cluster.map(({ parts }) => parts.asked))
    const isFramed = cluster.length >= FEWEST_OF_FRAME && isFrame(pieces)
    const isTask = isFramed && (under === null || isTelling(pieces.join('\n')))
    return { ...base, members: cluster, userPieces: isTask ? pieces : [] }
  })
  const framed = groups.filter(({ userPieces }) => userPieces.length > 0)
  const loose = groups.filter(({ userPieces }) => userPieces.length === 0).flatMap((group) => group.members)
  return loose.length > 0 ? [...framed, { ...base, members: loose, userPieces: [] }] : framed
}

function byKey<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly (readonly Item[])[] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return [...groups.values()]
}
