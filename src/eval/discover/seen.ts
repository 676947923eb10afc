/** A request of somebody's traffic as discovery reads it: from a file, a log or kept texts. */
import { systemText } from '../../classify/features.ts'
import { readTurn } from '../../classify/turn.ts'
import { type Message, messageText, type RouterRequest } from '../../spec/request.ts'

export interface SeenAnswer {
  /** Null when the model only called tools. */
  readonly text: string | null
  readonly tools: readonly string[]
}

export interface SeenRequest {
  readonly id: string
  readonly request: RouterRequest
  /** The model name the client sent, or the one that served; null when nobody says. */
  readonly model: string | null
  /** What was answered; null when the traffic holds no answers. */
  readonly answer: SeenAnswer | null
}

/** The parts of a request that tell applications apart. */
export interface RequestParts {
  readonly system: string
  /** What the last person said. */
  readonly asked: string
  /** Answered turns before it. */
  readonly turns: readonly { readonly input: string; readonly output: string }[]
  readonly tools: readonly string[]
  /** A tool has answered already: the request is a step of an agent's loop. */
  readonly inLoop: boolean
}

/** Longer texts are read by their two ends: instructions stand at one of them. */
const EXCERPT_CHARS = 12_000

export function partsOf({ request }: SeenRequest): RequestParts {
  const { messages, tools = [] } = request
  return {
    system: systemText(messages),
    asked: readTurn(messages).text,
    turns: turnsOf(messages),
    tools: [...new Set(tools.map(({ name }) => name))].toSorted(),
    inLoop: messages.some(({ role }) => role === 'tool'),
  }
}

/** A text short enough to be kept beside thousands of others. */
export function excerptOf(text: string): string {
  if (text.length <= EXCERPT_CHARS) return text
  return `${text.slice(0, EXCERPT_CHARS / 2)}${CUT}${text.slice(-EXCERPT_CHARS / 2)}`
}

const CUT = '\n…\n'

/** The two ends of a text in which something was cut out; null for one that is whole. */
export function endsOfExcerpt(text: string): readonly [string, string] | null {
  const isCut = text.length > EXCERPT_CHARS && text.includes(CUT)
  return isCut ? [text.slice(0, EXCERPT_CHARS / 2), text.slice(-EXCERPT_CHARS / 2)] : null
}

function turnsOf(messages: readonly Message[]): RequestParts['turns'] {
  const spoken = messages.filter(({ role }) => role === 'user' || role === 'assistant')
  return spoken.flatMap((message, at) => {
    const before = spoken[at - 1]
    if (message.role !== 'assistant' || before?.role !== 'user' || at === spoken.length - 1) return []
    return [{ input: messageText(before), output: messageText(message) }]
  })
}
