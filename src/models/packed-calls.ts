/** Several items of one task in one prompt, for servers that answer one call at a time; each item gets its own answer back. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { toRouterError } from '../spec/errors.ts'
import type { CallLimits, ModelCall, ModelEvent, ModelPort } from '../spec/ports.ts'
import { type Message, messageText } from '../spec/request.ts'

export interface PackedCalls {
  /** Written local calls of the work may share a prompt with those of so many rows, itself included. */
  within<T>(row: string, size: number, work: () => Promise<T>): Promise<T>
  /** Resolves when the row waits for others to share a prompt with. */
  parked(row: string): Promise<void>
  /** No further row begins: whoever waits is asked with those that are there. */
  noMore(): void
  /** In place of a local model's port. */
  around(port: ModelPort): ModelPort
}

interface Item {
  readonly text: string
  readonly settle: (answer: readonly ModelEvent[] | Error | null) => void
}

interface Group {
  readonly port: ModelPort
  readonly call: ModelCall
  readonly limits: CallLimits
  readonly size: number
  readonly items: Item[]
}

interface Row {
  readonly size: number
  waiting: boolean
  readonly park: () => void
}

type Turn = <T>(work: () => Promise<T>) => Promise<T>

/** @param turn bounds how many prompts are asked at the same time */
export function createPackedCalls(turn: Turn): PackedCalls {
  const current = new AsyncLocalStorage<Row>()
  const rows = new Map<string, Row>()
  const groups = new Map<string, Group>()
  const parking = new Map<string, PromiseWithResolvers<void>>()
  /** Asked for before the row has begun, or after. */
  const parkingOf = (id: string): PromiseWithResolvers<void> => {
    const found = parking.get(id) ?? Promise.withResolvers()
    parking.set(id, found)
    return found
  }
  let isLast = false
  const send = (key: string, group: Group): void => {
    groups.delete(key)
    void turn(() => askGroup(group))
  }
  const check = (): void => {
    const isStuck = isLast && [...rows.values()].every(({ waiting }) => waiting)
    for (const [key, group] of groups) if (isStuck || group.items.length >= group.size) send(key, group)
  }
  const join = (row: Row, { port, call, limits, text }: Asking): Promise<readonly ModelEvent[] | null> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly ModelEvent[] | null>()
    const key = JSON.stringify([port.name, { ...call, messages: call.messages.slice(0, -1), wire: null }])
    const group = groups.get(key) ?? { port, call, limits, size: row.size, items: [] }
    groups.set(key, group)
    row.waiting = true
    group.items.push({
      text,
      settle(answer) {
        row.waiting = false
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      },
    })
    row.park()
    check()
    return promise
  }
  return {
    async within(id, size, work) {
      const row: Row = { size, waiting: false, park: () => parkingOf(id).resolve() }
      rows.set(id, row)
      try {
        return await current.run(row, work)
      } finally {
        rows.delete(id)
        parking.delete(id)
        check()
      }
    },
    parked: (id) => parkingOf(id).promise,
    noMore() {
      isLast = true
      check()
    },
    around: (port) => ({
      ...port,
      async *generate(call, limits) {
        const row = current.getStore()
        const text = row && row.size > 1 ? packable(call) : null
        const events = row && text !== null ? await join(row, { port, call, limits, text }) : null
        if (events) yield* events
        else yield* port.generate(call, limits)
      },
    }),
  }
}

interface Asking extends Pick<Group, 'port' | 'call' | 'limits'> {
  readonly text: string
}

/** Longer items leave no room for others. */
const MAX_ITEM_CHARS = 2000

/** The text of the item; null for a call that cannot share a prompt. */
function packable({ messages, tools, responseSchema, embed, completion, tokenSignals }: ModelCall): string | null {
  const last = messages.at(-1)
  const isPlain = typeof last?.content === 'string' && last.role === 'user'
  if (!last || !isPlain || tools || responseSchema || embed || completion || tokenSignals) return null
  const text = messageText(last)
  return text.length > MAX_ITEM_CHARS ? null : text
}

/** Never rejects: each item is told what became of it; null where the answer to the whole says nothing of it. */
async function askGroup({ port, call, limits, items }: Group): Promise<void> {
  const [only] = items
  // Of one item there is nothing to pack.
  if (items.length === 1) return only?.settle(null)
  try {
    const events: ModelEvent[] = []
    for await (const event of port.generate(packedCall(call, items), limits)) events.push(event)
    const text = events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
    const finish = events.find((event) => event.type === 'finish')
    const answers = answersIn(text)
    for (const [index, { settle }] of items.entries()) {
      const answer = answers[String(index + 1)]
      settle(answer === undefined || !finish ? null : ownEvents(answer, finish, items.length))
    }
  } catch (error) {
    for (const { settle } of items) settle(toRouterError(error))
  }
}

function packedCall(call: ModelCall, items: readonly Item[]): ModelCall {
  const { wire: _, maxOutputTokens, ...rest } = call
  const ids = items.map((_item, index) => String(index + 1))
  const listed = items.map(({ text }, index) => `[${index + 1}]\n${text}`).join('\n\n')
  const asked = `Below are ${items.length} separate items, each under its number in brackets. Answer each as if it were alone.\nReply with one JSON object that has the numbers as keys and each answer as a text: {${ids.map((id) => `"${id}": "…"`).join(', ')}}\n\n${listed}`
  const message: Message = { role: 'user', content: asked }
  return {
    ...rest,
    messages: [...call.messages.slice(0, -1), message],
    ...(maxOutputTokens !== undefined && {
      maxOutputTokens: maxOutputTokens * items.length + JSON_TOKENS * items.length,
    }),
  }
}

/** Quotes, number, colon and comma of one answer. */
const JSON_TOKENS = 8

/** Texts by number; what is no text, or under no number, is no answer. */
function answersIn(text: string): Readonly<Record<string, string>> {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')]
  if (from < 0 || to < from) return {}
  try {
    const value: unknown = JSON.parse(text.slice(from, to + 1))
    if (typeof value !== 'object' || value === null) return {}
    const entries = Object.entries(value).filter(([, answer]) => typeof answer === 'string' && answer.trim() !== '')
    return Object.fromEntries(entries) as Record<string, string>
  } catch {
    return {}
  }
}

/** Its share of the tokens, and no signals: the distribution of the whole says nothing of one item. */
function ownEvents(
  answer: string,
  { usage, identity }: Extract<ModelEvent, { type: 'finish' }>,
  shared: number,
): readonly ModelEvent[] {
  const own = {
    inputTokens: Math.ceil(usage.inputTokens / shared),
    outputTokens: Math.ceil(usage.outputTokens / shared),
    source: 'estimated' as const,
  }
  return [
    { type: 'text', delta: answer },
    { type: 'finish', finishReason: 'stop', usage: own, signals: null, identity, raw: null },
  ]
}
