/** What the audit says of the requests of the clients. */
import type { AuditLine } from '../support/serve-process.ts'

export type AuditRecord = Omit<AuditLine, 'calls'> & {
  readonly task: string
  readonly route: string
  readonly calls: readonly { readonly model: string }[]
}

/** Looks at the records once all clients are done. */
export type Later = (records: readonly AuditRecord[]) => void
