/** Streams as providers sent them, and what ends one; material that lies beside the repository in some places. */
import { createParser } from 'eventsource-parser'
import { adversarialRows } from './adversarial.ts'
import { anthropicFrames, openAiFrames } from './cloud-answers.ts'

export type WireDialect = 'openai-chat' | 'anthropic'

export interface StreamRow {
  readonly id?: string
  readonly name?: string
  readonly dialect: string
  readonly fault?: string
  readonly terminal: 'complete' | 'truncated' | 'error' | 'malformed'
  readonly text: string
}

export interface KnownStreamRow extends StreamRow {
  readonly dialect: WireDialect
}

/** Rows of the dialects that adapters exist for; empty where the material is absent. */
export function streamRows(file: 'provider_streams_dev.jsonl' | 'stream_faults_dev.jsonl'): readonly KnownStreamRow[] {
  const isKnown = (row: StreamRow): row is KnownStreamRow =>
    row.dialect === 'openai-chat' || row.dialect === 'anthropic'
  return (adversarialRows<StreamRow>(file) ?? []).filter(isKnown)
}

/** Streams of our own, so that tests have some where the material is absent: text, tools, unusual characters. */
export function ownStreams(): readonly KnownStreamRow[] {
  const text = 'Grüße, 世界 👋 \u2028 “data: [DONE]”'
  const textDelta = { type: 'text_delta', text }
  const block = { start: { type: 'text', text: '' }, deltas: [textDelta, textDelta, textDelta] }
  const tool = {
    start: { type: 'tool_use', id: 't1', name: 'f', input: {} },
    deltas: [
      { type: 'input_json_delta', partial_json: '{"ü":' },
      { type: 'input_json_delta', partial_json: '1}' },
    ],
  }
  const call = (args: string) => ({ tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: args } }] })
  const deltas = [{ content: text }, { content: text }, call('{"ü":'), call('1}')]
  const row = (name: string, dialect: WireDialect, frames: readonly string[]): KnownStreamRow => ({
    name,
    dialect,
    terminal: 'complete',
    text: frames.join(''),
  })
  return [
    row('own text', 'openai-chat', openAiFrames([{ content: text }, { content: 'two' }, { content: 'three' }])),
    row('own tool call', 'openai-chat', openAiFrames(deltas, { finishReason: 'tool_calls' })),
    row('own text', 'anthropic', anthropicFrames([block])),
    row('own tool call', 'anthropic', anthropicFrames([block, tool], { finishReason: 'tool_use' })),
  ]
}

export function nameOf({ id, name, dialect }: StreamRow): string {
  return `${dialect} ${id ?? name}`
}

/** The frames of a stream with the empty line behind each, whatever its line ends are. */
export function framesIn(text: string): readonly string[] {
  return text.split(/(?<=\r\n\r\n|\n\n|\r\r(?!\n))/).filter((frame) => frame !== '')
}

/**
 * Whether the bytes hold the terminal event of their dialect (with several choices, that of each that was begun): found
 * without any of the adapters' code, and generously, so that "complete" without it is wrong in any reading.
 */
export function holdsTerminal(dialect: WireDialect, bytes: Uint8Array): boolean {
  const begun = new Set<unknown>()
  const ended = new Set<unknown>()
  const parser = createParser({
    onEvent({ data }) {
      for (const { index, isEnd } of choicesIn(dialect, data)) (isEnd ? ended : begun).add(index)
    },
  })
  // The rules take one byte order mark away, and the parser does that.
  parser.feed(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
  return ended.size > 0 && [...begun].every((index) => ended.has(index))
}

function choicesIn(
  dialect: WireDialect,
  data: string,
): readonly { readonly index: unknown; readonly isEnd: boolean }[] {
  try {
    const event = JSON.parse(data) as { type?: unknown; choices?: unknown }
    if (dialect === 'anthropic') return [{ index: 0, isEnd: event.type === 'message_stop' }]
    const choices = Array.isArray(event.choices)
      ? (event.choices as { index?: unknown; finish_reason?: unknown }[])
      : []
    return choices.map((choice) => ({
      index: typeof choice?.index === 'number' ? choice.index : 0,
      isEnd: typeof choice?.finish_reason === 'string' && choice.finish_reason !== '',
    }))
  } catch {
    return []
  }
}
