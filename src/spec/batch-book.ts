/** Files and batches that clients left with a gateway: what all gateways of a machine know of them. */
import type { RawLine, RowLog } from './batch.ts'

/** Whose something is: of one key and tenant, nobody else sees it. */
export interface BatchOwner {
  /** Id of the key. */
  readonly holder: string
  readonly tenant: string | null
}

export interface StoredFile {
  readonly id: string
  readonly owner: BatchOwner
  readonly filename: string
  readonly purpose: 'batch' | 'batch_output'
  readonly bytes: number
  /** Epoch milliseconds, as all times here. */
  readonly createdMs: number
  readonly keptUntilMs: number
}

export type BatchStatus =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled'

/** Nothing happens to such a batch any more. */
export const ENDED: readonly BatchStatus[] = ['failed', 'completed', 'expired', 'cancelled']

/** Why none of the rows of a file are run. */
export interface BatchProblem {
  readonly code: string
  readonly message: string
  /** Null where it is about the file. */
  readonly line: number | null
}

export interface StoredBatch {
  readonly id: string
  readonly owner: BatchOwner
  readonly endpoint: string
  readonly inputFile: string
  readonly status: BatchStatus
  /** `x-spillway-*` of whoever sent it: they hold for every row. */
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdMs: number
  readonly expiresMs: number
  /** When it became what. */
  readonly times: Readonly<Partial<Record<BatchStatus, number>>>
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number }
  readonly outputFile: string | null
  readonly errorFile: string | null
  readonly problems: readonly BatchProblem[]
  /** What its rows wait for; null when for nothing but their turn. */
  readonly waiting: { readonly reason: string; readonly why: string } | null
}

export interface Page {
  /** The id of the last one of the page before; null for the newest. */
  readonly after: string | null
  readonly limit: number
}

export interface BatchBook {
  /** @throws RouterError state_unwritable, here and from every call */
  addFile(file: Pick<StoredFile, 'owner' | 'filename' | 'keptUntilMs'>, content: Uint8Array): Promise<StoredFile>
  file(id: string, owner: BatchOwner): StoredFile | null
  /** Newest first; one more than the limit where there is more. */
  files(owner: BatchOwner, page: Page): readonly StoredFile[]
  content(id: string): AsyncIterable<Uint8Array>
  /** @returns false when an open batch reads it */
  dropFile(id: string): boolean
  lines(fileId: string, maxBytes: number): AsyncIterable<RawLine>
  lineAt(fileId: string, place: Pick<RawLine, 'offset' | 'bytes'>): Promise<string>

  addBatch(
    batch: Pick<StoredBatch, 'owner' | 'endpoint' | 'inputFile' | 'headers' | 'metadata' | 'expiresMs'>,
  ): StoredBatch
  batch(id: string, owner: BatchOwner): StoredBatch | null
  batches(owner: BatchOwner, page: Page): readonly StoredBatch[]
  /** Reads and writes in one step. @returns null when it is gone */
  change(id: string, by: (batch: StoredBatch) => StoredBatch): StoredBatch | null

  /** Open batches that no living process runs; they are this process's from now on. */
  take(most: number): readonly StoredBatch[]
  /** Another process may go on with it. */
  release(id: string): void
  log(batch: StoredBatch): RowLog
  /** Makes files of what the rows said, and ends the batch. */
  end(id: string, ended: { readonly status: BatchStatus; readonly keptUntilMs: number }): void
  close(): void
}
