/** Whose rows a key may see in the console. */
import type { ConsoleReader, ConsoleSource } from '../../spec/console.ts'
import { RouterError } from '../../spec/errors.ts'
import type { App } from '../exchange.ts'
import type { KeyHolder } from '../keys.ts'

/**
 * The operator sees everything, a key with tenants their rows.
 *
 * @throws RouterError not_found, for keys that see nothing
 */
export function readerOf(holder: KeyHolder | null): ConsoleReader {
  const by = `${holder?.name} over HTTP`
  if (holder?.isOperator) return { tenants: null, by }
  const tenants = holder?.grant.tenants
  if (tenants) return { tenants, by }
  throw new RouterError('not_found', {
    subject: 'path',
    value: 'of this key',
    fix: "Use the operator's key, or one that was issued for a tenant (`spillway keys create --tenants`).",
  })
}

/** @throws RouterError not_found */
export function consoleOf({ console }: App): ConsoleSource {
  if (console) return console
  throw new RouterError('not_found', {
    subject: 'path',
    value: 'of a gateway that was opened without a console',
    fix: '`spillway serve` has one.',
  })
}
