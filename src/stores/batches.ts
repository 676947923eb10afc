/** Batches of a gateway: what is known of them in one SQLite file, their rows in files beside it. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BatchBook, StoredBatch, StoredFile } from '../spec/batch-book.ts'
import { ENDED } from '../spec/batch-book.ts'
import { BATCH_SCHEMA, type BatchFiles, listed, newId, openBatchFiles, parsedRow, type Shelf } from './batch-files.ts'
import { isRunning } from './is-running.ts'
import { openRowLog, type RowFiles } from './row-log.ts'
import { naming, openStateFile } from './state-file.ts'
import { transaction } from './transaction.ts'

export interface BatchSettings {
  /** Of this alone. */
  readonly folder: string
  /** Of this process; begins with its number. */
  readonly writer: string
  /** Milliseconds on a clock that all processes of the machine share and that nobody sets. */
  readonly machineMs: () => number
  readonly epochMs: () => number
}

const SIGN_OF_LIFE_MS = 5000
const BELIEVED_MS = 30_000
/** What nobody may have any more need not go within the second. */
const PURGE_EVERY_MS = 60_000

/** @throws RouterError state_unwritable, here and from every call */
export function openBatches(settings: BatchSettings): BatchBook {
  const { folder, epochMs } = settings
  const path = join(folder, 'batches.sqlite')
  const database = openStateFile(path, BATCH_SCHEMA)
  const shelf: Shelf = { folder, path, database, epochMs }
  const files = openBatchFiles(shelf)
  const records = openRecords(shelf)
  const runners = openRunners(shelf, settings)
  const over = database.prepare('DELETE FROM batch WHERE kept_until <= ? AND is_open = 0')
  const purge = (): void => {
    files.purge()
    naming(path, () => over.run(epochMs()))
  }
  purge()
  const timers = [setInterval(() => quietly(purge), PURGE_EVERY_MS), setInterval(runners.live, SIGN_OF_LIFE_MS)]
  for (const timer of timers) timer.unref()
  return {
    ...files,
    ...records,
    take: runners.take,
    release: runners.release,
    log: ({ id, inputFile }) => openRowLog({ files: rowFiles(folder, id), inputDigest: inputFile }),
    end(id, ended) {
      makeFiles(id, ended, { shelf, files, records })
      runners.ended(id)
    },
    close() {
      for (const timer of timers) clearInterval(timer)
      try {
        runners.close()
      } finally {
        database.close()
      }
    },
  }
}

/** The files in which the rows of a batch gather. */
export function rowFiles(folder: string, id: string): RowFiles {
  const named = (what: string): string => join(folder, `${id}.${what}.jsonl`)
  return { answers: named('output'), failures: named('error'), asked: named('asked') }
}

interface Records extends Pick<BatchBook, 'addBatch' | 'batch' | 'batches' | 'change'> {
  save(batch: StoredBatch, keptUntilMs?: number): void
  find(id: string): StoredBatch | null
}

function openRecords({ path, database, epochMs }: Shelf): Records {
  const add = database.prepare('INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, 1, NULL, 0, ?)')
  const one = database.prepare('SELECT about FROM batch WHERE id = ? AND holder = ? AND tenant = ?')
  const any = database.prepare('SELECT about FROM batch WHERE id = ?')
  const write = database.prepare(
    'UPDATE batch SET about = ?, is_open = ?, kept_until = max(kept_until, ?) WHERE id = ?',
  )
  const find = (id: string): StoredBatch | null => parsedRow<StoredBatch>(any.get(id))
  const save: Records['save'] = (batch, keptUntilMs = 0) =>
    void write.run(JSON.stringify(batch), ENDED.includes(batch.status) ? 0 : 1, keptUntilMs, batch.id)
  return {
    find,
    save,
    addBatch: (wanted) =>
      naming(path, () => {
        const createdMs = epochMs()
        const now = { status: 'validating', createdMs, times: { validating: createdMs } } as const
        const none = { counts: { total: 0, completed: 0, failed: 0 }, outputFile: null, errorFile: null, problems: [] }
        const batch: StoredBatch = { ...wanted, id: newId('batch_'), ...now, ...none, waiting: null }
        const { owner, inputFile, expiresMs } = wanted
        add.run(batch.id, owner.holder, owner.tenant ?? '', createdMs, expiresMs, inputFile, JSON.stringify(batch))
        return batch
      }),
    batch: (id, { holder, tenant }) => naming(path, () => parsedRow<StoredBatch>(one.get(id, holder, tenant ?? ''))),
    batches: (owner, page) => naming(path, () => listed<StoredBatch>({ database, epochMs }, 'batch', { owner, page })),
    change: (id, by) =>
      naming(path, () =>
        transaction(database, () => {
          const found = find(id)
          if (!found) return null
          const changed = by(found)
          save(changed)
          return changed
        }),
      ),
  }
}

interface OpenRow {
  readonly id: string
  readonly runner: string | null
  readonly alive_until: number
  readonly about: string
}

interface Runners extends Pick<BatchBook, 'take' | 'release'> {
  live(): void
  ended(id: string): void
  close(): void
}

/** Who is at which batch. */
function openRunners({ path, database }: Shelf, { writer, machineMs }: BatchSettings): Runners {
  const own = new Set<string>()
  const open = database.prepare('SELECT id, runner, alive_until, about FROM batch WHERE is_open = 1 ORDER BY rowid')
  const claim = database.prepare('UPDATE batch SET runner = ?, alive_until = ? WHERE id = ?')
  const alive = database.prepare('UPDATE batch SET alive_until = ? WHERE runner = ?')
  const free = database.prepare('UPDATE batch SET runner = NULL WHERE id = ? AND runner = ?')
  const isAlive = ({ runner, alive_until: until }: OpenRow): boolean => {
    if (runner === null || runner === writer) return false
    const leftMs = until - machineMs()
    const pid = Number.parseInt(runner, 10)
    // After a restart in a container the number of the process may well be that of the one before.
    return leftMs > 0 && leftMs <= BELIEVED_MS && (pid === process.pid || isRunning(pid))
  }
  return {
    take: (most) =>
      naming(path, () =>
        transaction(database, () => {
          const rows = open.all() as unknown as readonly OpenRow[]
          const mine = rows.filter((row) => !own.has(row.id) && !isAlive(row)).slice(0, most)
          return mine.flatMap((row) => {
            claim.run(writer, machineMs() + BELIEVED_MS, row.id)
            own.add(row.id)
            return parsedRow<StoredBatch>(row) ?? []
          })
        }),
      ),
    release(id) {
      own.delete(id)
      naming(path, () => free.run(id, writer))
    },
    live() {
      if (own.size > 0) quietly(() => alive.run(machineMs() + BELIEVED_MS, writer))
    },
    ended: (id) => void own.delete(id),
    close() {
      if (own.size > 0) alive.run(0, writer)
    },
  }
}

/** The rows stay where they are: a process that ends between two steps leaves no result that nobody finds. */
function makeFiles(
  id: string,
  { status, keptUntilMs }: Parameters<BatchBook['end']>[1],
  { shelf, files, records }: { readonly shelf: Shelf; readonly files: BatchFiles; readonly records: Records },
): void {
  const { folder, path, database, epochMs } = shelf
  const rows = rowFiles(folder, id)
  const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const createdMs = epochMs()
  const fileOf = (batch: StoredBatch, content: string, what: string): string | null => {
    const bytes = bytesOf(content)
    if (bytes === 0) return null
    const about = { id: newId('file-'), owner: batch.owner, filename: `${id}_${what}.jsonl`, bytes }
    const file: StoredFile = { ...about, purpose: 'batch_output', createdMs, keptUntilMs }
    files.insert(file, content.slice(folder.length + 1))
    return file.id
  }
  naming(path, () =>
    transaction(database, () => {
      const batch = records.find(id)
      if (!batch) return
      const outputFile = fileOf(batch, rows.answers, 'output')
      const errorFile = fileOf(batch, rows.failures, 'error')
      const times = { ...batch.times, [status]: createdMs }
      records.save({ ...batch, status, outputFile, errorFile, times, waiting: null }, keptUntilMs)
    }),
  )
  rmSync(rows.asked, { force: true })
  for (const file of [rows.answers, rows.failures]) if (bytesOf(file) === 0) rmSync(file, { force: true })
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // A full disk or a long lock: the next turn says it.
  }
}
