/** Puts masked values back into answers of the Messages API, whole or event by event, and leaves everything else as it came. */

import { visitBlock, visitBody } from '../classify/messages-body.ts'
import { createUnmasker, type Unmasker, unmask, type Vault } from '../classify/privacy/mask.ts'
import type { ModelEvent } from '../spec/ports.ts'
import type { WireAnswer } from '../spec/wire.ts'

type Fields = Readonly<Record<string, unknown>>
type Raw = Extract<ModelEvent, { readonly type: 'raw' }>

/** @param writing `json`: the text of the answer is JSON, in which values stand escaped */
export function restoredMessage(answer: WireAnswer, vault: Vault, writing: 'text' | 'json'): WireAnswer {
  return { ...answer, body: visitBody(answer.body, restoring(vault, writing)) }
}

/**
 * Restores one event after the other. A placeholder may be cut by the end of an event: what is held back goes out with the next
 * event of its block, or in one of its own before the block ends.
 */
export function createMessageRestorer(vault: Vault, writing: 'text' | 'json'): (event: Raw) => readonly Raw[] {
  const open = new Map<unknown, { readonly unmasker: Unmasker; field: string | null; type: unknown }>()
  const restored = (event: Raw, chunk: Fields): Raw => ({ type: 'raw', dialect: event.dialect, chunk })

  const start = (event: Raw): readonly Raw[] => {
    const { index, content_block: block } = event.chunk
    const kind = isFields(block) ? block.type : null
    const isJson = kind === 'text' ? writing === 'json' : kind !== 'thinking'
    open.set(index, { unmasker: createUnmasker(vault, isJson ? 'json' : 'text'), field: null, type: null })
    const own = visitBlock(block, restoring(vault, writing))
    return [own === block ? event : restored(event, { ...event.chunk, content_block: own })]
  }
  const delta = (event: Raw): readonly Raw[] => {
    const said = event.chunk.delta
    const state = open.get(event.chunk.index)
    if (!isFields(said) || !state) return [event]
    const field = TEXT_FIELDS[String(said.type)]
    const text = field === undefined ? undefined : said[field]
    if (field === undefined || typeof text !== 'string') return [event]
    state.field = field
    state.type = said.type
    const whole = state.unmasker.push(text)
    return [whole === text ? event : restored(event, { ...event.chunk, delta: { ...said, [field]: whole } })]
  }
  const stop = (event: Raw): readonly Raw[] => {
    const { index } = event.chunk
    const state = open.get(index)
    open.delete(index)
    const rest = state?.unmasker.flush() ?? ''
    if (rest === '' || !state?.field) return [event]
    const last = { type: 'content_block_delta', index, delta: { type: state.type, [state.field]: rest } }
    return [restored(event, last), event]
  }
  return (event) => {
    const { type } = event.chunk
    if (type === 'content_block_start') return start(event)
    if (type === 'content_block_delta') return delta(event)
    return type === 'content_block_stop' ? stop(event) : [event]
  }
}

const TEXT_FIELDS: Readonly<Record<string, string>> = {
  text_delta: 'text',
  thinking_delta: 'thinking',
  input_json_delta: 'partial_json',
}

function restoring(vault: Vault, writing: 'text' | 'json'): Parameters<typeof visitBody>[1] {
  return {
    string: (value, place) => (place === 'text' ? unmask(value, vault, writing) : value),
    input: (json) => unmask(json, vault, 'json'),
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
