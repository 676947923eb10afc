/** `providerOptions.spillway`: what a call says about itself. */
import { RouterError } from '../../spec/errors.ts'
import type { RequestMetadata } from '../../spec/request.ts'
import { closest } from '../../spec/suggest.ts'
import type { CommonOptions, Json, JsonFields } from './specification.ts'

/** May stand in `providerOptions.spillway` of every call. */
export interface SpillwayCallOptions extends RequestMetadata {
  /** US dollars that all calls of frontiers for this call may cost together. */
  readonly maxCostUsd?: number
  /** Milliseconds until it is given up. */
  readonly deadlineMs?: number
  /** Id of a held request that a person released: this is it once more. */
  readonly held?: string
}

const METADATA = {
  task: true,
  taskId: true,
  user: true,
  group: true,
  tenant: true,
  conversation: true,
  partition: true,
  impact: true,
  affectsSystemState: true,
  userVisibleOutput: true,
  documents: true,
} as const satisfies Record<keyof RequestMetadata, true>

const HEADERS = {
  maxCostUsd: 'x-spillway-max-cost-usd',
  deadlineMs: 'x-spillway-deadline-ms',
  held: 'x-spillway-held',
} as const

export interface SaidByCaller {
  readonly metadata: JsonFields
  readonly headers: Readonly<Record<string, string>>
}

/**
 * @param always of the provider; what a call says comes before it
 * @throws RouterError request_invalid: a key that nothing reads
 */
export function saidByCaller({ providerOptions, headers = {} }: CommonOptions, always: JsonFields): SaidByCaller {
  const said = { ...always, ...providerOptions?.spillway }
  const metadata: Record<string, Json | undefined> = {}
  const told: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) told[name.toLowerCase()] = value
  for (const [key, value] of Object.entries(said)) {
    if (value === undefined) continue
    if (Object.hasOwn(METADATA, key)) metadata[key] = value as Json
    else if (Object.hasOwn(HEADERS, key)) told[HEADERS[key as keyof typeof HEADERS]] = String(value)
    else throw unknownKey(key)
  }
  return { metadata, headers: told }
}

function unknownKey(key: string): RouterError {
  const known = [...Object.keys(METADATA), ...Object.keys(HEADERS)]
  const near = closest(key, known)
  return new RouterError('request_invalid', {
    path: `providerOptions.spillway.${key}`,
    problem: 'nothing reads it',
    fix: near ? `Did you mean ${near}?` : `Known: ${known.join(', ')}.`,
  })
}
