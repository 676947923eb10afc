/** What every report of the console is read with. */
import type { ConsoleReader } from '../../spec/console.ts'
import { RouterError } from '../../spec/errors.ts'
import type { LoadedPolicy } from '../../spec/policy.ts'
import type { AuditQuery } from '../../spec/ports.ts'
import { sinceMs } from '../duration.ts'

export interface Reading {
  readonly stateDir: string
  /** The policy in force. */
  readonly loaded: LoadedPolicy
  readonly env: Readonly<Record<string, string | undefined>>
  /** Epoch milliseconds. */
  readonly nowMs: number
  readonly reader: ConsoleReader
  readonly values: Readonly<Record<string, string>>
}

/** @param usual when the address names no span. @throws RouterError request_invalid */
export function windowStart({ values: { since }, nowMs }: Reading, usual: string): number {
  const text = since ?? usual
  try {
    return sinceMs(text, nowMs)
  } catch {
    throw invalid(
      'since',
      `${JSON.stringify(text.slice(0, 40))} is neither a span nor a date`,
      'Write 30m, 24h, 7d or 2026-01-31.',
    )
  }
}

/** Rows that the reader may see. */
export function ownRows({ reader: { tenants } }: Reading): Pick<AuditQuery, 'tenants'> {
  return tenants === null ? {} : { tenants }
}

export function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
