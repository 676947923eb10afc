/** Whose data a request is about. */
import type { RequestMetadata } from '../spec/request.ts'
import type { Exchange } from './exchange.ts'
import { metadataOf } from './metadata.ts'

/** A key of one tenant speaks for it without saying so. */
export function tenantOf({ holder }: Pick<Exchange, 'holder'>, { tenant }: RequestMetadata): string | null {
  const own = holder?.grant.tenants
  return tenant ?? (own?.length === 1 ? (own[0] ?? null) : null)
}

/** Of a request without a body, by its headers. */
export function callersTenant(exchange: Pick<Exchange, 'holder' | 'request'>): string | null {
  return tenantOf(exchange, metadataOf({}, exchange.request.headers))
}
