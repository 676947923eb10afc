/** Splits what a local model writes into answer, reasoning and tool calls while it comes. Pure. */
import type { AnswerDialect, Marks } from './answer-dialects.ts'
import { parseToolCalls, type WrittenToolCall } from './written-tool-calls.ts'

export type SplitEvent =
  | { readonly type: 'text'; readonly delta: string }
  | { readonly type: 'tool_call'; readonly call: WrittenToolCall }

export interface SplitSettings {
  readonly dialect: AnswerDialect
  /** Names of the tools that the call offers; without any, no text is read as a tool call. */
  readonly tools: readonly string[]
}

/** How the text ended. */
export interface SplitEnd {
  readonly events: readonly SplitEvent[]
  /** True when the text ended inside its reasoning: it was cut off. */
  readonly isInThought: boolean
}

const FENCE = '```'

type State =
  /** Before the first word of the answer. */
  | { readonly at: 'start' }
  | { readonly at: 'thought'; readonly close: string }
  /** The prompt may have opened the reasoning: everything is kept until `close` or the end decides. */
  | { readonly at: 'undecided'; readonly close: string }
  | { readonly at: 'answer' }
  | { readonly at: 'tool'; readonly marks: Marks }
  /** An answer that starts as a JSON object may be a tool call without any mark (Llama 3). */
  | { readonly at: 'json' }

/**
 * Whatever pieces the text comes in, the joined output is the same.
 *
 * Reasoning is looked for only at the start of the answer, so that an answer may write about such marks. Tool calls are
 * taken out where they stand, code blocks excepted, when they name a tool of the call; what cannot be read as one stays
 * text.
 */
export class AnswerSplitter {
  readonly #dialect: AnswerDialect
  readonly #tools: readonly string[]
  /** What is looked for inside the answer. */
  readonly #inAnswer: readonly string[]
  readonly #atStart: readonly string[]
  #state: State
  #held = ''
  #events: SplitEvent[] = []
  #removedChars = 0
  #isFenced = false
  #lastChar = ''

  constructor({ dialect, tools }: SplitSettings) {
    this.#dialect = dialect
    this.#tools = tools
    const { openedByPrompt: close, thoughts, headers, endings } = dialect
    const calls = tools.length === 0 ? [] : dialect.toolCalls.map((marks) => marks.open)
    this.#inAnswer = [...calls, ...endings, ...(calls.length === 0 ? [] : [FENCE])]
    this.#atStart = [...thoughts.map((marks) => marks.open), ...headers, ...calls].sort((a, b) => b.length - a.length)
    this.#state = close === null ? { at: 'start' } : { at: 'undecided', close }
  }

  /** Characters that were taken out so far: reasoning, headers and tool calls. */
  get removedChars(): number {
    return this.#removedChars
  }

  /** The server sends the reasoning in a field of its own, so the text starts with the answer. */
  reasoningCameApart(): void {
    if (this.#state.at === 'undecided') this.#state = { at: 'start' }
  }

  push(text: string): readonly SplitEvent[] {
    this.#held += text
    while (this.#step()) {}
    return this.#taken()
  }

  end(): SplitEnd {
    const { at } = this.#state
    if (at === 'tool' || at === 'json') this.#endTool()
    else if (at === 'start') this.#emit(this.#removedChars > 0 ? this.#held.trimStart() : this.#held)
    else if (at === 'answer') this.#emit(this.#held)
    else this.#removedChars += this.#held.length
    this.#held = ''
    return { events: this.#taken(), isInThought: at === 'thought' || at === 'undecided' }
  }

  /** @returns true when something was decided and the rest of what is held may be looked at */
  #step(): boolean {
    const state = this.#state
    switch (state.at) {
      case 'start':
        return this.#start()
      case 'thought':
        return this.#thought(state.close, 'drop')
      case 'undecided':
        return this.#undecided(state.close)
      case 'answer':
        return this.#answer()
      case 'tool':
        return this.#tool(state.marks)
      case 'json':
        return false
      default:
        return state satisfies never
    }
  }

  #start(): boolean {
    const text = this.#held.trimStart()
    const mark = this.#atStart.find((candidate) => text.startsWith(candidate))
    // A longer mark may still come of what is here: nothing is decided before it is sure.
    if (text === '' || this.#atStart.some((one) => one.length > (mark?.length ?? 0) && isBeginOf(text, one)))
      return false
    if (mark === undefined) return this.#begin(text)
    this.#held = text.slice(mark.length)
    const thought = this.#dialect.thoughts.find(({ open }) => open === mark)
    const call = this.#dialect.toolCalls.find(({ open }) => open === mark)
    if (thought !== undefined) this.#state = { at: 'thought', close: thought.close }
    else if (call !== undefined) this.#state = { at: 'tool', marks: call }
    this.#removedChars += mark.length
    return true
  }

  /** The answer begins here; white space in front of it counts only when nothing was taken out. */
  #begin(text: string): boolean {
    if (this.#removedChars > 0) this.#held = text
    this.#state = this.#tools.length > 0 && text.startsWith('{') ? { at: 'json' } : { at: 'answer' }
    return true
  }

  #thought(close: string, unclosed: 'drop' | 'keep'): boolean {
    const found = this.#held.indexOf(close)
    const end = found >= 0 ? found + close.length : Math.max(0, this.#held.length - close.length + 1)
    if (found < 0 && unclosed === 'keep') return false
    this.#removedChars += end
    this.#held = this.#held.slice(end)
    if (found >= 0) this.#state = { at: 'start' }
    return found >= 0
  }

  /** A model that opens its reasoning itself, although the prompt should have, is read as any other. */
  #undecided(close: string): boolean {
    const text = this.#held.trimStart()
    const opens = this.#dialect.thoughts.filter((marks) => marks.close === close).map((marks) => marks.open)
    if (opens.some((open) => text.startsWith(open))) {
      this.#state = { at: 'start' }
      return true
    }
    if (text === '' || opens.some((open) => isBeginOf(text, open))) return false
    return this.#thought(close, 'keep')
  }

  #answer(): boolean {
    const found = earliest(this.#held, this.#inAnswer)
    if (found === null) {
      const sure = this.#held.length - openTail(this.#held, this.#inAnswer)
      this.#emit(this.#held.slice(0, sure))
      this.#held = this.#held.slice(sure)
      return false
    }
    const { index, mark } = found
    this.#emit(this.#held.slice(0, index))
    this.#held = this.#held.slice(index + mark.length)
    const call = this.#dialect.toolCalls.find(({ open }) => open === mark)
    if (mark === FENCE) this.#isFenced = !this.#isFenced
    if (mark === FENCE || this.#isFenced || this.#lastChar === '`') {
      this.#emit(mark)
      return true
    }
    this.#removedChars += mark.length
    this.#state = call === undefined ? { at: 'start' } : { at: 'tool', marks: call }
    return true
  }

  #tool({ open, close }: Marks): boolean {
    const found = close === '' ? -1 : this.#held.indexOf(close)
    if (found < 0) return false
    const body = this.#held.slice(0, found)
    this.#held = this.#held.slice(found + close.length)
    const isCall = this.#finishTool(body, open + body + close)
    // Behind a call there may be reasoning again, another call, or nothing but line breaks.
    this.#state = { at: isCall ? 'start' : 'answer' }
    return true
  }

  #endTool(): void {
    const open = this.#state.at === 'tool' ? this.#state.marks.open : ''
    this.#finishTool(this.#held, open + this.#held)
  }

  #finishTool(body: string, whole: string): boolean {
    const calls = parseToolCalls(body, this.#tools)
    if (calls === null) this.#emit(whole)
    else for (const call of calls) this.#events.push({ type: 'tool_call', call })
    return calls !== null
  }

  #emit(text: string): void {
    if (text === '') return
    this.#lastChar = text.at(-1) ?? ''
    this.#events.push({ type: 'text', delta: text })
  }

  #taken(): readonly SplitEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

/** Whether `text` is the beginning of `mark`, and not yet all of it. */
function isBeginOf(text: string, mark: string): boolean {
  return text.length < mark.length && mark.startsWith(text)
}

/** The first mark in the text; of two at one place the longer. */
function earliest(text: string, marks: readonly string[]): { readonly index: number; readonly mark: string } | null {
  let first: { readonly index: number; readonly mark: string } | null = null
  for (const mark of marks) {
    const index = text.indexOf(mark)
    if (index < 0) continue
    if (first === null || index < first.index || (index === first.index && mark.length > first.mark.length))
      first = { index, mark }
  }
  return first
}

/** How many characters at the end of the text may be the beginning of a mark. */
function openTail(text: string, marks: readonly string[]): number {
  const longest = marks.reduce((most, mark) => Math.max(most, mark.length), 0)
  for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
    const tail = text.slice(text.length - length)
    if (marks.some((mark) => isBeginOf(tail, mark))) return length
  }
  return 0
}
