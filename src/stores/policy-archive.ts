/** The policies that were in force on this machine, a file for each digest: what a record was made under is known later. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KeptPolicy, keptPolicyOf } from '../spec/kept-policy.ts'
import type { LoadedPolicy } from '../spec/policy.ts'

/** Of more policies than this the ones that were in force longest ago go: a file has about 65 kB, most of it hard-stop terms. */
const MOST = 200
const FORM = 1

/**
 * Keeps a policy that comes into force. Only a later replay misses it, so a folder that cannot be written stops nobody: the journal beside it
 * says when it cannot be written either.
 */
export function keepPolicy(stateDir: string, loaded: LoadedPolicy): void {
  const folder = folderIn(stateDir)
  const path = join(folder, nameOf(loaded.digest))
  const now = new Date()
  try {
    if (statSync(path, { throwIfNoEntry: false })) {
      utimesSync(path, now, now)
      return
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const draft = `${path}.${randomUUID()}`
    writeFileSync(draft, JSON.stringify({ form: FORM, ...keptPolicyOf(loaded) }), { mode: 0o600 })
    renameSync(draft, path)
    dropOldest(folder)
  } catch {
    // Records of this policy are then replayed only under a policy of the same digest.
  }
}

/** @returns null when it was never in force here, was dropped, or cannot be read */
export function readPolicy(stateDir: string, digest: string): KeptPolicy | null {
  try {
    const file = JSON.parse(readFileSync(join(folderIn(stateDir), nameOf(digest)), 'utf8')) as KeptPolicy & {
      readonly form: number
    }
    return file.form === FORM && file.digest === digest ? file : null
  } catch {
    return null
  }
}

function folderIn(stateDir: string): string {
  return join(stateDir, 'policies')
}

function nameOf(digest: string): string {
  return `${digest.replace(/[^0-9a-z]/gi, '-')}.json`
}

function dropOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => ({
    path: join(folder, name),
    usedMs: statSync(join(folder, name)).mtimeMs,
  }))
  for (const { path } of files.toSorted((a, b) => b.usedMs - a.usedMs).slice(MOST)) rmSync(path, { force: true })
}
