/** A proposal's words: its name, its description, the local model's own prompt. Pure. */
import type { RequestGroup } from './group.ts'
import { constantTurns, type GroupText } from './group-text.ts'
import type { KindReading } from './kind.ts'
import { countCue } from './lexicon.ts'

const NAME_WORDS = 3
const PROMPT_CHARS = 700
const SHOT_CHARS = 600
const MOST_SHOTS = 8

/** A task name that no other has: the kind and the first telling words. */
export function nameOf(reading: KindReading, text: GroupText, taken: ReadonlySet<string>): string {
  const from = reading.labels && !isPlainPair(reading.labels) ? reading.labels.join(' ') : text.instructions
  const words = from
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z][a-z0-9]{2,}/g)
  const telling = [...new Set(words ?? [])].filter((word) => !COMMON.has(word)).slice(0, NAME_WORDS)
  const base = [reading.kind, ...telling].join('_').slice(0, 48)
  if (!taken.has(base)) return base
  let count = 2
  while (taken.has(`${base}_${count}`)) count += 1
  return `${base}_${count}`
}

function isPlainPair(labels: readonly string[]): boolean {
  return labels.length === 2 && labels.every((label) => label.length <= 5)
}

/** Words of every instruction. */
const COMMON = new Set(
  'you are the and that for with from this your have has our their its will who what which given give get use one only all any each every not does did reply answer output return write read please assistant helpful der die das und ein eine einer du bist mit von den dem des les une des est vous que pour dans los las del una por con eres'.split(
    ' ',
  ),
)

/** The first words of the instructions, for readers of the policy. */
export function descriptionOf(text: GroupText): string {
  const line = text.instructions.replace(/\s+/g, ' ').trim()
  return line.length <= 100 ? line : `${line.slice(0, 99).trimEnd()}…`
}

export interface LocalPrompt {
  readonly system?: string
  readonly shots?: readonly { readonly input: string; readonly output: string }[]
}

/**
 * What a small model is told when it decides: what is asked, and what each label means. Not how to write the answer: a decision is read, not
 * written. Null for kinds that are written, whose callers' own prompt goes along.
 */
export function localPrompt(group: RequestGroup, text: GroupText, reading: KindReading): LocalPrompt | null {
  const isRead = ['choice', 'boolean', 'score', 'extract'].includes(reading.kind)
  const shots = shotsOf(group)
  if (!isRead) return null
  const system = [askedOf(text, reading), ...describedLabels(reading)].filter((line) => line !== '').join('\n')
  return { ...(system !== '' && { system }), ...(shots.length > 0 && { shots }) }
}

function describedLabels({ labels, descriptions }: KindReading): readonly string[] {
  return (labels ?? []).flatMap((label) => (descriptions[label] ? [`- ${label}: ${descriptions[label]}`] : []))
}

/** The sentences that say what is asked; without them the beginning of the instructions. */
function askedOf({ instructions }: GroupText, { descriptions }: KindReading): string {
  const sentences = instructions
    .split(/(?<=[.!?。！？])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
  const asking = sentences.filter((sentence) => {
    const isListed = /^(?:[-*•]|\d+[.)])\s/.test(sentence)
    // The list follows, one label a line.
    const isDescription = Object.values(descriptions).some((description) => sentence.includes(description))
    return !isListed && !isDescription && (/[?？]$/.test(sentence) || ASKING.some((cue) => countCue(cue, sentence) > 0))
  })
  let told = ''
  for (const sentence of asking.length > 0 ? asking : sentences) {
    if (told.length + sentence.length > PROMPT_CHARS) break
    told += `${told === '' ? '' : ' '}${sentence}`
  }
  return told === '' ? instructions.slice(0, PROMPT_CHARS) : told
}

const ASKING = ['classify', 'score', 'extract', 'copy', 'question', 'passage', 'alike'] as const

function shotsOf({ members }: RequestGroup): readonly { readonly input: string; readonly output: string }[] {
  const turns = constantTurns(members.map(({ parts }) => parts.turns)) ?? []
  return turns.filter(({ input, output }) => input.length + output.length <= SHOT_CHARS).slice(0, MOST_SHOTS)
}
