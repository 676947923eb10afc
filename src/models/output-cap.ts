/** The cap of an answer in a body that the caller wrote. */
import type { ModelCall } from '../spec/ports.ts'
import type { JsonObject } from './http-model.ts'

/** Names under which servers read how long an answer may be. */
const CAPS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_new_tokens',
  'n_predict',
  'num_predict',
] as const
type Cap = (typeof CAPS)[number]

/**
 * Without a ceiling the body stays as the caller wrote it. Under one its answer is no longer than what was reserved: the cap is
 * added where none stands that the server reads, and one that allows more is lowered (servers that know another name than the
 * caller used, and numbers that mean "without end").
 *
 * @param names what the server reads, first that under which a cap is added
 */
export function withCap(body: JsonObject, call: ModelCall, names: readonly [Cap, ...Cap[]]): JsonObject {
  const { isBounded, maxOutputTokens: cap } = call
  if (!isBounded || cap === undefined) return body
  const said = CAPS.filter((own) => body[own] !== undefined && body[own] !== null)
  const isCapped = names.some((name) => said.includes(name))
  return { ...body, ...lowered(said, body, cap), ...(isCapped ? {} : { [names[0]]: cap }) }
}

function lowered(said: readonly Cap[], body: JsonObject, cap: number): JsonObject {
  return Object.fromEntries(
    said.flatMap((own) => {
      const value = body[own]
      return typeof value === 'number' && value > 0 && value <= cap ? [] : [[own, cap]]
    }),
  )
}
