/** `assist`: what a frontier is given of long texts, and the lines of their source that it asks for. */
import { type Digest, digestOf } from '../classify/digest.ts'
import { findHardStops } from '../classify/hard-stops.ts'
import { consulted } from '../patterns/consulted.ts'
import type { Asked, Delivery, PatternTools } from '../patterns/pattern.ts'
import type { Policy } from '../spec/policy.ts'
import type { AssistPolicy } from '../spec/policy-assist.ts'
import type { ContentPart, Message, RouterRequest } from '../spec/request.ts'
import type { Run } from './run.ts'

export interface Assisting {
  readonly run: Run
  readonly hardStops: Policy['hardStops']
  readonly tools: Pick<PatternTools, 'consult' | 'note'>
  /** Asks the frontier. */
  readonly ask: (request: RouterRequest, delivery: Delivery) => Promise<Asked>
}

/** @throws RouterError of `ask`; cancelled, deadline_exceeded */
export async function askAssisted(
  { run, hardStops, tools, ask }: Assisting,
  { request, delivery }: { readonly request: RouterRequest; readonly delivery: Delivery },
): Promise<Asked> {
  const { assist } = run.task
  // A label of a draft is only as good as what it was made of.
  if (!assist || run.isSampled || mustStay(request)) return ask(request, delivery)
  const found = digested(request, assist, hardStops)
  if (found.digests.length === 0) return ask(request, delivery)
  const said = assist.by === 'local' ? await localReading(found.digests, tools) : null
  const { wire: _, ...own } = request
  const head: Message = { role: 'system', content: [headWords(assist), ...(said ? [said] : [])].join('\n') }
  const shorter: RouterRequest = { ...own, messages: [head, ...found.messages] }
  const facts = factsOf(found.digests, said)
  tools.note({ assist: facts })
  if (assist.source === 'never') return ask(shorter, delivery)
  const answer = await ask(shorter, 'held')
  const wanted = wantedLines(answer.answer.text)
  if (wanted.length === 0) return answer
  const lines = sourceLines(found.digests, wanted, assist.maxSourceLines)
  tools.note({ assist: { ...facts, sourceLines: lines.length } })
  const asked: readonly Message[] = [
    { role: 'assistant', content: answer.answer.text },
    { role: 'user', content: `${lines.join('\n') || '(there are no such lines)'}\n\nNow answer the request.` },
  ]
  return ask({ ...shorter, messages: [...shorter.messages, ...asked] }, delivery)
}

/** What only the caller's own body carries, and a text that goes on, are sent as they are. */
function mustStay({ needs = [], tools = [], completion, embed }: RouterRequest): boolean {
  return needs.length > 0 || tools.length > 0 || completion === true || embed !== undefined
}

interface Digested {
  readonly messages: readonly Message[]
  readonly digests: readonly Digest[]
}

/** The last message of the user, and what tools gave: earlier turns were read before. */
function digested({ messages }: RouterRequest, assist: AssistPolicy, hardStops: Policy['hardStops']): Digested {
  const isEvidence = (text: string): boolean => findHardStops([{ field: 'line', text }], hardStops).length > 0
  const last = messages.findLast(({ role }) => role === 'user')
  const digests: Digest[] = []
  const shorter = (text: string): string => {
    if (text.length < assist.minChars) return text
    const before = digests.at(-1)
    const digest = digestOf(text, isEvidence, before ? before.first + before.lines.length : 1)
    if (digest.text.length > (1 - assist.minSaved) * text.length) return text
    digests.push(digest)
    return digest.text
  }
  const found = messages.map((message): Message => {
    if (message !== last && message.role !== 'tool') return message
    const { content } = message
    return {
      ...message,
      content: typeof content === 'string' ? shorter(content) : content.map((part) => partOf(part, shorter)),
    }
  })
  return { messages: found, digests }
}

function partOf(part: ContentPart, shorter: (text: string) => string): ContentPart {
  return part.type === 'text' ? { ...part, text: shorter(part.text) } : part
}

function headWords({ source }: AssistPolicy): string {
  const words =
    'Long texts below are digests made by rules. L<n>| gives the number of a line in the source; lines without a number follow the one above. Notes in brackets say what was left out; nothing else was changed.'
  if (source === 'never') return words
  return `${words} If, and only if, you cannot answer without lines that were left out, reply with nothing but SOURCE L<from>-L<to>; you can do so once.`
}

async function localReading(digests: readonly Digest[], tools: Pick<PatternTools, 'consult'>): Promise<string | null> {
  const text = digests
    .map((digest) => digest.text)
    .join('\n\n')
    .slice(-READING_CHARS)
  const content = `In at most two sentences: what went wrong, and in which file?\n\n${text}`
  const what = {
    purpose: 'digest',
    whom: 'local',
    request: { messages: [{ role: 'user', content }] },
    maxOutputTokens: 80,
  } as const
  const found = await consulted(tools, what)
  const said = 'asked' in found ? found.asked.answer.text.trim() : ''
  return said === '' ? null : `A smaller model reads them so, and may be wrong: ${said}`
}

/** Inside the window of a small model; what decides a log stands at its end. */
const READING_CHARS = 4000

function factsOf(digests: readonly Digest[], said: string | null) {
  const sum = (of: (digest: Digest) => number): number => digests.reduce((total, digest) => total + of(digest), 0)
  return {
    lines: sum(({ lines }) => lines.length),
    kept: sum(({ kept }) => kept),
    sourceChars: sum(({ lines }) => lines.join('\n').length),
    digestChars: sum(({ text }) => text.length),
    localReading: said !== null,
  }
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Empty for every text that is not such a request and nothing else. */
export function wantedLines(text: string): readonly Range[] {
  const list = /^\s*SOURCE((?:[\s,]+L?\d{1,7}(?:\s*[-–]\s*L?\d{1,7})?)+)[\s.]*$/i.exec(text.slice(0, 500))?.[1]
  if (list === undefined || text.length > 500) return []
  return [...list.matchAll(/L?(\d+)(?:\s*[-–]\s*L?(\d+))?/gi)].map(([, from, to]) => ({
    from: Number(from),
    to: Number(to ?? from),
  }))
}

function sourceLines(digests: readonly Digest[], wanted: readonly Range[], max: number): readonly string[] {
  const all = digests.flatMap(({ lines, first }) => lines.map((line, at) => ({ number: first + at, line })))
  return all
    .filter(({ number }) => wanted.some(({ from, to }) => number >= from && number <= to))
    .slice(0, max)
    .map(({ number, line }) => `L${number}| ${line}`)
}
