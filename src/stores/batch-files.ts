/** The files of batches: what is known of them in SQLite, their rows beside it. */
import { randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { BatchBook, BatchOwner, Page, StoredFile } from '../spec/batch-book.ts'
import { readLineAt, readRawLines } from './lines.ts'
import { naming } from './state-file.ts'
import { transaction } from './transaction.ts'

/** What files and batches share. */
export interface Shelf {
  readonly folder: string
  /** Of the database. */
  readonly path: string
  readonly database: DatabaseSync
  readonly epochMs: () => number
}

export interface BatchFiles
  extends Pick<BatchBook, 'addFile' | 'file' | 'files' | 'content' | 'dropFile' | 'lines' | 'lineAt'> {
  /** Within a transaction: a file whose rows are there already. */
  insert(file: StoredFile, content: string): void
  /** Deletes what is over. */
  purge(): void
}

/** `content` is the name of the file with the rows; `runner` says who is at a batch, and `alive_until` until when it is believed to be. */
export const BATCH_SCHEMA = `
  CREATE TABLE IF NOT EXISTS file (
    id TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, tenant TEXT NOT NULL, at INTEGER NOT NULL, kept_until INTEGER NOT NULL,
    content TEXT NOT NULL, about TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS batch (
    id TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, tenant TEXT NOT NULL, at INTEGER NOT NULL, kept_until INTEGER NOT NULL,
    input TEXT NOT NULL, is_open INTEGER NOT NULL, runner TEXT, alive_until REAL NOT NULL, about TEXT NOT NULL
  ) STRICT;`

export function openBatchFiles({ folder, path, database, epochMs }: Shelf): BatchFiles {
  const add = database.prepare('INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)')
  const one = database.prepare('SELECT about FROM file WHERE id = ? AND holder = ? AND tenant = ? AND kept_until > ?')
  const contentOf = database.prepare('SELECT content FROM file WHERE id = ?')
  const inUse = database.prepare('SELECT 1 FROM batch WHERE input = ? AND is_open = 1')
  const drop = database.prepare('DELETE FROM file WHERE id = ?')
  const over = database.prepare(
    'DELETE FROM file WHERE kept_until <= ? AND id NOT IN (SELECT input FROM batch WHERE is_open = 1) RETURNING content',
  )
  const contentPath = (id: string): string => {
    const row = naming(path, () => contentOf.get(id)) as { readonly content: string } | undefined
    return join(folder, row?.content ?? `${id}.jsonl`)
  }
  const insert = (file: StoredFile, content: string): void => {
    const { id, owner, createdMs, keptUntilMs } = file
    add.run(id, owner.holder, owner.tenant ?? '', createdMs, keptUntilMs, content, JSON.stringify(file))
  }
  return {
    insert,
    async addFile({ owner, filename, keptUntilMs }, content) {
      const about = { id: newId('file-'), owner, filename, purpose: 'batch', bytes: content.length } as const
      const file: StoredFile = { ...about, createdMs: epochMs(), keptUntilMs }
      const name = `${file.id}.jsonl`
      await writeContent(folder, name, content)
      naming(path, () => insert(file, name))
      return file
    },
    file: (id, { holder, tenant }) =>
      naming(path, () => parsedRow<StoredFile>(one.get(id, holder, tenant ?? '', epochMs()))),
    files: (owner, page) => naming(path, () => listed<StoredFile>({ database, epochMs }, 'file', { owner, page })),
    content: (id) => createReadStream(contentPath(id)) as AsyncIterable<Buffer>,
    dropFile(id) {
      if (naming(path, () => inUse.get(id))) return false
      const content = contentPath(id)
      naming(path, () => drop.run(id))
      rmSync(content, { force: true })
      return true
    },
    lines: (id, maxBytes) => readRawLines(contentPath(id), maxBytes),
    lineAt: (id, where) => readLineAt(contentPath(id), where),
    purge() {
      const gone = naming(path, () => transaction(database, () => over.all(epochMs())))
      for (const { content } of gone as unknown as readonly { readonly content: string }[])
        rmSync(join(folder, content), { force: true })
    },
  }
}

/** Newest first, one more than asked for where there is more. */
export function listed<T>(
  { database, epochMs }: Pick<Shelf, 'database' | 'epochMs'>,
  table: 'file' | 'batch',
  { owner, page }: { readonly owner: BatchOwner; readonly page: Page },
): readonly T[] {
  const rows = database
    .prepare(
      `SELECT about FROM ${table} WHERE holder = ?1 AND tenant = ?2 AND kept_until > ?3
         AND (?4 IS NULL OR rowid < (SELECT rowid FROM ${table} WHERE id = ?4)) ORDER BY rowid DESC LIMIT ?5`,
    )
    .all(owner.holder, owner.tenant ?? '', epochMs(), page.after, page.limit + 1)
  return rows.flatMap((row) => parsedRow<T>(row) ?? [])
}

/** 128 random bits: nobody guesses the id of another, and its owner is looked at all the same. */
export function newId(prefix: string): string {
  return `${prefix}${randomBytes(16).toString('hex')}`
}

/** @returns null where there is no row */
export function parsedRow<T>(row: unknown): T | null {
  return row ? (JSON.parse((row as { readonly about: string }).about) as T) : null
}

/** Whole or not at all. */
async function writeContent(folder: string, name: string, content: Uint8Array): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = join(folder, `${name}.part`)
  await writeFile(draft, content, { mode: 0o600 })
  await rename(draft, join(folder, name))
}
