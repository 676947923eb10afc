/** What a configured model needs, read from its files once and remembered until they change. */
import { statSync } from 'node:fs'
import { RouterError } from '../../spec/errors.ts'
import { adapterBytes } from './adapter-file.ts'
import { type GgufHeader, readGgufHeader } from './gguf.ts'
import { loadBytes } from './memory.ts'
import type { ModelSpec } from './protocol.ts'

export type SizedSpec = Pick<ModelSpec, 'name' | 'path' | 'contextTokens' | 'sequences'> & {
  readonly adapter: { readonly path: string } | null
}

/**
 * Bytes of weights, cache, buffers and adapter. About 10 ms for the first look at a file, a `stat` after that.
 *
 * @throws RouterError model_file_missing, model_file_invalid, request_invalid (more context than the model has)
 */
export function needBytesOf(spec: SizedSpec): number {
  const { adapter, path } = spec
  const header = remembered(path, headers, () => readGgufHeader(path))
  if (spec.contextTokens > header.contextTokens) throw contextTooLarge(spec, header)
  const need = loadBytes(header, spec)
  return adapter === null ? need : need + remembered(adapter.path, adapters, () => adapterBytes(adapter.path))
}

/** Whether the model of a file can fill a text in; false for one that cannot be read. Read as above. */
export function fillsIn(path: string): boolean {
  try {
    return remembered(path, headers, () => readGgufHeader(path)).fillsIn
  } catch {
    return false
  }
}

interface Remembered<T> {
  readonly modified: number
  readonly sizeBytes: number
  readonly value: T
}

const headers = new Map<string, Remembered<GgufHeader>>()
const adapters = new Map<string, Remembered<number>>()

function remembered<T>(path: string, known: Map<string, Remembered<T>>, read: () => T): T {
  const found = statSync(path, { throwIfNoEntry: false })
  const old = known.get(path)
  if (found && old?.modified === found.mtimeMs && old.sizeBytes === found.size) return old.value
  const value = read()
  if (found) known.set(path, { modified: found.mtimeMs, sizeBytes: found.size, value })
  return value
}

function contextTooLarge(spec: SizedSpec, header: GgufHeader): RouterError {
  return new RouterError('request_invalid', {
    path: `models.${spec.name}.contextTokens`,
    problem: `${spec.contextTokens} tokens, and the model was made for ${header.contextTokens}`,
    fix: `Set models.${spec.name}.contextTokens to at most ${header.contextTokens}.`,
  })
}
