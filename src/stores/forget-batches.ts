/** Deletes files and batches of the gateway, beside running gateways. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredBatch } from '../spec/batch-book.ts'
import { BATCH_SCHEMA } from './batch-files.ts'
import { rowFiles } from './batches.ts'
import type { PurgeFilter } from './retention.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

interface Kept {
  readonly id: string
  readonly tenant: string
  readonly at: number
}

interface KeptFile extends Kept {
  readonly content: string
}

interface KeptBatch extends Kept {
  readonly input: string
  readonly about: string
}

/**
 * A file goes as a whole when one of its rows names the user; so do the batch that was made of it, open or not, and its results.
 *
 * @param folder of the batches; none is made
 * @returns how many files and batches matched; with `dryRun` none is deleted
 * @throws RouterError state_unwritable
 */
export function forgetBatches(folder: string, { tenant, beforeMs, subject }: PurgeFilter, dryRun: boolean): number {
  const path = join(folder, 'batches.sqlite')
  if (!existsSync(path)) return 0
  const database = openStateFile(path, BATCH_SCHEMA)
  try {
    const isMeant = (kept: Kept): boolean =>
      (tenant === undefined || kept.tenant === tenant) && (beforeMs === undefined || kept.at < beforeMs)
    return naming(path, () => {
      const all = database.prepare('SELECT id, tenant, at, content FROM file').all() as unknown as readonly KeptFile[]
      const open = database.prepare('SELECT id, tenant, at, input, about FROM batch')
      const named = (file: KeptFile): boolean => subject === undefined || namesUser(join(folder, file.content), subject)
      const inputs = new Set(all.filter((file) => isMeant(file) && named(file)).map(({ id }) => id))
      const batches = (open.all() as unknown as readonly KeptBatch[]).filter(
        (batch) => isMeant(batch) && (subject === undefined || inputs.has(batch.input) || userOf(batch) === subject),
      )
      const ofBatches = new Set(batches.flatMap(({ id }) => Object.values(rowFiles('', id))))
      const files = all.filter(({ id, content }) => inputs.has(id) || ofBatches.has(content))
      if (dryRun) return files.length + batches.length
      transaction(database, () => {
        for (const { id } of files) database.prepare('DELETE FROM file WHERE id = ?').run(id)
        for (const { id } of batches) database.prepare('DELETE FROM batch WHERE id = ?').run(id)
      })
      for (const { content } of files) rmSync(join(folder, content), { force: true })
      for (const content of ofBatches) rmSync(join(folder, content), { force: true })
      return files.length + batches.length
    })
  } finally {
    database.close()
  }
}

function userOf({ about }: KeptBatch): string | undefined {
  return (JSON.parse(about) as StoredBatch).headers['x-spillway-user']
}

/** Rows say it in `metadata.user` of their body. */
function namesUser(path: string, user: string): boolean {
  if (!existsSync(path)) return false
  const wanted = JSON.stringify(user)
  return readFileSync(path, 'utf8')
    .split('\n')
    .some((line) => line.includes(wanted) && userIn(line) === user)
}

function userIn(line: string): unknown {
  try {
    const row = JSON.parse(line) as { readonly body?: { readonly metadata?: { readonly user?: unknown } } }
    return row.body?.metadata?.user
  } catch {
    return undefined
  }
}
