/**
 * Every text that goes out with a request, whatever field it stands in: what decides where the request may go reads the same as what
 * masks it. Pure.
 */
import type { ModelCall } from '../spec/ports.ts'
import type { Message } from '../spec/request.ts'
import { fileText, isBytes } from './file-text.ts'
import { visitBody } from './messages-body.ts'
import type { Writing } from './privacy/plain-reading.ts'
import { besideTexts, isFields } from './unmasked.ts'

/** What a request and a call of a model have in common: both are sent. */
export type Sent = Pick<ModelCall, 'messages' | 'tools' | 'responseSchema' | 'stop' | 'wire'>

/** A text, and how it is written. */
export interface LeavingText {
  readonly text: string
  readonly writing: Writing
}

/** Each text once; empty ones are left out. */
export function leavingTexts(sent: Sent): readonly LeavingText[] {
  const known = walked.get(sent)
  if (known) return known
  const found = new Map<string, LeavingText>()
  const add = (text: string, writing: Writing = 'text'): void => {
    if (text !== '') found.set(`${writing} ${text}`, { text, writing })
  }
  for (const message of sent.messages) addMessage(message, add)
  const met = new Set<string>()
  visitBeside(sent, (value) => {
    if (met.has(value)) return
    met.add(value)
    if (isWord(value) || isBytes(value)) return
    add(value)
    const plain = percentDecoded(value)
    if (plain !== value) add(plain)
    const file = fileText(value)
    if (file) add(file.text)
  })
  const texts = [...found.values()]
  walked.set(sent, texts)
  return texts
}

/** Looked at before a request is classified, and then. */
const walked = new WeakMap<Sent, readonly LeavingText[]>()

type Add = (text: string, writing?: Writing) => void

function addMessage({ content, name, aside, toolCalls = [] }: Message, add: Add): void {
  if (typeof content === 'string') add(content)
  else
    for (const part of content) {
      if (part.type === 'text') add(part.text)
      if (part.type === 'image') add(part.alt ?? '')
    }
  add(name ?? '')
  add(aside ?? '')
  for (const call of toolCalls) {
    add(call.arguments)
    if (!call.isCustom) add(call.arguments, 'json')
  }
}

/**
 * Called for every string of what goes out beside the texts of messages.
 *
 * @param field of the body it stands in, when that is a word of an API; null inside of messages
 * @param kind `name`: of a field, or a number
 */
type VisitBeside = (value: string, field: string | null, kind: 'value' | 'name') => void

/** Names of fields and numbers, too: those of a schema are the caller's own. */
export function visitBeside(sent: Sent, visit: VisitBeside): void {
  const { own, fields, messages } = besideTexts(sent)
  for (const part of [own, fields])
    for (const [name, value] of Object.entries(part)) {
      const field = isWord(name) ? name : 'body'
      visit(name, field, 'name')
      visitAll(value, field, visit)
    }
  visitAll(messages, null, visit)
  if (sent.wire?.dialect === 'anthropic_messages') visitBlocks(sent.wire.body, visit)
}

function visitAll(value: unknown, field: string | null, visit: VisitBeside): void {
  if (typeof value === 'string') visit(value, field, 'value')
  else if (typeof value === 'number') visit(String(value), field, 'name')
  else if (Array.isArray(value)) for (const item of value) visitAll(item, field, visit)
  else if (isFields(value))
    for (const name of Object.keys(value)) {
      visit(name, field, 'name')
      visitAll(value[name], field, visit)
    }
  // A number that is kept as it was written.
  else if (typeof value === 'object' && value !== null) visit(JSON.stringify(value), field, 'name')
}

/** Words and inputs of tools of a body in the Messages dialect; most stand in the router's messages, too. */
function visitBlocks({ system, messages }: Readonly<Record<string, unknown>>, visit: VisitBeside): void {
  const add = (value: string): string => {
    visit(value, null, 'value')
    return value
  }
  visitBody({ system, messages }, { string: (value, place) => (place === 'opaque' ? value : add(value)), input: add })
}

/** Names and words of an API look like this, and nothing private does. */
function isWord(value: string): boolean {
  return /^[a-z_]{1,40}$|^\d{1,5}$/.test(value)
}

/** What an address says. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
}
