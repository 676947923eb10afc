/** The caller's own body, without what would send it elsewhere. */
import type { JsonObject } from './http-model.ts'

/**
 * A proxy of models behind the address of the policy may take these from a body, and go elsewhere with the request. In
 * lower case, without joints.
 */
const DESTINATION_FIELDS: ReadonlySet<string> = new Set([
  'apibase',
  'apikey',
  'apiversion',
  'azureendpoint',
  'baseurl',
  'customllmprovider',
  'endpoint',
  'extrabody',
  'extraheaders',
  'fallbacks',
  'modellist',
  'userconfig',
])

export function withoutDestinations(body: JsonObject): JsonObject {
  const fields = Object.entries(body)
  return Object.fromEntries(fields.filter(([name]) => !DESTINATION_FIELDS.has(name.replace(/[_-]/g, '').toLowerCase())))
}
