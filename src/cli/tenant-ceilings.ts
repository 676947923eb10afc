/** Ceilings of tenants bind who cannot choose a tenant: which keys can. */
import { type IssuedKey, listKeys } from '../gateway/issued-keys.ts'
import type { Paths } from '../models/paths.ts'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, ok, warn } from './doctor-check.ts'

const NAME = 'tenant ceilings'
/** Further ones are counted. */
const NAMED = 5

/** @returns nothing without `budgets.tenants` */
export function tenantCeilingChecks(
  loaded: LoadedPolicy | null,
  { stateDir }: Pick<Paths, 'stateDir'>,
): readonly Check[] {
  if (!loaded || Object.keys(loaded.policy.budgets.tenants).length === 0) return []
  try {
    const free = listKeys(stateDir).filter((key) => key.grant.tenants === undefined && !isOver(key))
    if (free.length === 0) return [ok(NAME, 'Every key that was issued belongs to tenants.')]
    const names = free.slice(0, NAMED).map(({ id, name }) => `${id} (${name})`)
    const more = free.length > NAMED ? ` and ${free.length - NAMED} more` : ''
    const who = free.length === 1 ? 'a key that may name any' : `${free.length} keys that may name any`
    const why = `budgets.tenants holds for the tenant that a request names, and there is ${who}: ${names.join(', ')}${more}.`
    const fix = 'Issue keys with --tenants; budgets.day and --budget-day hold whatever tenant is named.'
    return [warn(NAME, why, fix)]
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return [warn(NAME, message, fix)]
  }
}

function isOver({ expiresAt }: IssuedKey): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()
}
