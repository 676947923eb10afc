/** The servers that a policy names by an environment variable, because their addresses may hold a password. */
import { hostname } from 'node:os'
import type { LoadedPolicy, Policy } from '../spec/policy.ts'
import type { CopySettings } from './copy-state.ts'

export interface ConnectionProblem {
  readonly path: readonly string[]
  /** Never holds the address. */
  readonly problem: string
  readonly fix: string
}

const POSTGRES = ['audit', 'postgres', 'url'] as const
const WEBHOOK = ['review', 'webhook', 'secret'] as const
const VALKEY = ['gateway', 'limits', 'shared', 'url'] as const

/** Whether a reference at this place of a policy stays a reference. */
export function isConnectionPath(path: readonly PropertyKey[]): boolean {
  return [POSTGRES, VALKEY, WEBHOOK].some(
    (known) => known.length === path.length && known.every((key, index) => key === path[index]),
  )
}

/**
 * A variable that is not set is no error here: what needs it goes on without, and says so.
 *
 * @param invalid makes the error for an address of another kind
 */
export function readConnections(
  { audit, gateway, review }: Policy,
  env: Readonly<Record<string, string | undefined>>,
  invalid: (problem: ConnectionProblem) => Error,
): LoadedPolicy['connections'] {
  const webhook = review.webhook ? secretIn(review.webhook.secret, env) : null
  if (webhook?.secret && !WEBHOOK_SECRET.test(webhook.secret))
    throw invalid({
      path: WEBHOOK,
      problem: `the value of ${webhook.variable} is not whsec_ and 24 to 64 bytes in base64`,
      fix: `Make one: echo "whsec_$(openssl rand -base64 32)".`,
    })
  const read = (reference: string | undefined, path: readonly string[], protocols: readonly string[]) => {
    if (reference === undefined) return null
    const variable = reference.slice('${env:'.length, -1)
    const url = env[variable] || null
    if (url !== null && !protocols.includes(protocolOf(url)))
      throw invalid({
        path,
        problem: `the value of ${variable} is not an address that starts with ${protocols.map((one) => `${one}//`).join(' or ')}`,
        fix: `Correct ${variable}; special characters of a password are written as %XX.`,
      })
    return { variable, url }
  }
  return {
    postgres: read(audit.postgres?.url, POSTGRES, ['postgres:', 'postgresql:']),
    valkey: read(gateway.limits.shared?.url, VALKEY, ['redis:', 'rediss:']),
    webhook,
  }
}

/** As Standard Webhooks writes a symmetric secret. */
const WEBHOOK_SECRET =
  /^whsec_(?=[A-Za-z0-9+/]{32,88}={0,2}$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function secretIn(reference: string, env: Readonly<Record<string, string | undefined>>) {
  const variable = reference.slice('${env:'.length, -1)
  return { variable, secret: env[variable] || null }
}

/** Without user, password and parameters: `host:port/name`. */
export function placeOf(url: string): string {
  const { host, pathname, searchParams } = new URL(url)
  return `${host || (searchParams.get('host') ?? 'localhost')}${pathname}`
}

/** What `audit.postgres` asks for; null where the policy has none. */
export function copySettings({
  policy,
  connections,
}: Pick<LoadedPolicy, 'policy' | 'connections'>): CopySettings | null {
  const { postgres } = policy.audit
  if (!postgres || !connections.postgres) return null
  const { variable, url } = connections.postgres
  const { machine = hostname(), holdFor: holdForMs, alarmAfter: alarmAfterMs } = postgres
  return { variable, url, place: url === null ? null : placeOf(url), machine, holdForMs, alarmAfterMs }
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}
