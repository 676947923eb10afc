/** What the models of the AI SDK talk to: a router in this process, or a gateway. Both speak the OpenAI dialect with the `spillway` field. */
import type { Json, JsonFields } from './specification.ts'

export type Fields = Readonly<Record<string, unknown>>

export type DoorPath = '/v1/chat/completions' | '/v1/embeddings' | '/v1/decisions' | '/v1/rerank'

export interface DoorCall {
  /** In small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Both ways to ask throw a RouterError or a `CallError`. */
export interface Door {
  /** For error messages: a base URL, or `spillway:` for a router of this process. */
  readonly url: string
  ask(path: DoorPath, body: Fields, call: DoorCall): Promise<Fields>
  /** The chunks of a chat, as the text of an event stream in any pieces. */
  stream(body: Fields, call: DoorCall): AsyncIterable<string>
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** What came as JSON is JSON. */
export function jsonFields(value: unknown): JsonFields {
  return fieldsOf(value) as { [key: string]: Json | undefined }
}
