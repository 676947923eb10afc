/**
 * What the engine host has loaded, as a file in the state directory: routing must know it without waiting for the host's
 * answer. It is a hint: the host itself decides when it loads.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelSpec } from './protocol.ts'

export interface LoadedCopy {
  readonly key: string
  readonly needBytes: number
}

type CopySpec = Pick<ModelSpec, 'path' | 'contextTokens' | 'sequences' | 'threads'> & {
  readonly adapter: { readonly path: string; readonly scale: number } | null
}

/** What makes two copies interchangeable, as far as the policy and the disk tell without a digest. */
export function copyKey({ path, contextTokens, sequences, threads, adapter }: CopySpec): string {
  return JSON.stringify([path, contextTokens, sequences, threads, adapter && [adapter.path, adapter.scale]])
}

/** Readable by this user only; replaced as a whole. A full disk costs the hint, never the host. */
export function writeLoaded(stateDir: string, copies: readonly LoadedCopy[]): void {
  const file = fileIn(stateDir)
  try {
    writeFileSync(`${file}.new`, JSON.stringify({ pid: process.pid, copies }), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (error) {
    console.error(error)
  }
}

/** @returns nothing when no host is running, or what one wrote cannot be read */
export function readLoaded(stateDir: string): readonly LoadedCopy[] {
  try {
    const { pid, copies } = JSON.parse(readFileSync(fileIn(stateDir), 'utf8')) as {
      readonly pid: number
      readonly copies: readonly LoadedCopy[]
    }
    return isAlive(pid) && Array.isArray(copies) ? copies : []
  } catch {
    return []
  }
}

function fileIn(stateDir: string): string {
  return join(stateDir, 'engine-loaded.json')
}

/** Signal 0 only asks whether the process exists. */
function isAlive(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0)
}
