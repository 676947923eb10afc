/** What `doctor` says of servers that the policy names: for many machines, and for people. */
import type { Paths } from '../models/paths.ts'
import { toRouterError } from '../spec/errors.ts'
import type { Connection, LoadedPolicy } from '../spec/policy.ts'
import { type Check, fail, ok, warn } from './doctor-check.ts'

/** No check for a server that the policy does not name. */
export async function serverChecks(loaded: LoadedPolicy | null, paths: Paths): Promise<readonly Check[]> {
  if (!loaded) return []
  const { postgres, valkey, webhook } = loaded.connections
  return [
    ...(postgres ? [await postgresCheck(postgres, loaded, paths)] : []),
    ...(valkey ? [await limitsCheck(valkey)] : []),
    ...(webhook ? [webhookCheck(webhook, loaded)] : []),
  ]
}

async function postgresCheck(connection: Connection, loaded: LoadedPolicy, paths: Paths): Promise<Check> {
  try {
    const { loadPostgresDriver } = await import('../stores/postgres.ts')
    await loadPostgresDriver()
    if (connection.url === null) return unset('postgres', connection, 'records stay on this machine')
    const { copyStatus } = await import('./store-copy.ts')
    const found = copyStatus(paths.stateDir, loaded)
    const why = `${found?.place} as ${found?.machine}: ${found?.lagRows} rows wait to be copied.`
    const fix = 'See `spillway store status`; `spillway store copy` tries now.'
    if (found?.alarm) return fail('postgres', `${why} ${found.alarm}.`, fix)
    return found?.problem ? warn('postgres', `${why} The last try failed: ${found.problem}`, fix) : ok('postgres', why)
  } catch (error) {
    return broken('postgres', error)
  }
}

async function limitsCheck(connection: Connection): Promise<Check> {
  try {
    const { loadValkeyClient } = await import('../stores/valkey.ts')
    await loadValkeyClient()
    if (connection.url === null) return unset('shared limits', connection, 'this machine counts for itself')
    const { host } = new URL(connection.url)
    return ok('shared limits', `Counted in ${host}; GET /readyz of the gateway says whether it answers in time.`)
  } catch (error) {
    return broken('shared limits', error)
  }
}

type Webhook = NonNullable<LoadedPolicy['connections']['webhook']>

function webhookCheck({ variable, secret }: Webhook, { policy }: LoadedPolicy): Check {
  const name = 'review webhook'
  if (secret === null)
    return warn(name, `${variable} is not set, so nobody hears of held requests.`, `Set ${variable}.`)
  const { host } = new URL(policy.review.webhook?.url ?? '')
  return ok(name, `Told to ${host}; GET /healthz of the gateway says whether it takes them.`)
}

function unset(name: string, { variable }: Connection, so: string): Check {
  return warn(name, `${variable} is not set, so ${so}.`, `Set ${variable}.`)
}

function broken(name: string, error: unknown): Check {
  const { message, fix } = toRouterError(error)
  return fail(name, message, fix)
}
