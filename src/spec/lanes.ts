/** The ways to one model: each an address with a key. Most models have one; a rate limit or a fault closes one of several. Pure. */

/** One way to a model. */
export interface Lane {
  /** Undefined: where the provider is usually found. */
  readonly baseUrl: string | undefined
  /** Null where none is wanted. Never logged, never in a digest. */
  readonly apiKey: string | null
}

/** The keys of the policy's models that lanes are made of. */
interface LanePolicy {
  readonly baseUrl?: string | undefined
  readonly apiKey?: readonly string[] | undefined
  readonly regions: readonly { readonly baseUrl: string; readonly apiKey?: readonly string[] | undefined }[]
}

/** The addresses of a model, its own first. */
export function addressesOf<Model extends Pick<LanePolicy, 'baseUrl' | 'regions'>>(model: Model): readonly Model[] {
  return [model, ...model.regions.map(({ baseUrl }) => ({ ...model, baseUrl }))]
}

/**
 * Every address with each of its keys that is set, the keys of the first address first.
 *
 * @param env where the names of the keys are looked up
 * @returns no lanes, and the first name that is not set, when no key is
 */
export function lanesOf(
  model: LanePolicy,
  env: Readonly<Record<string, string | undefined>>,
): { readonly lanes: readonly Lane[]; readonly missing: string | null } {
  const addresses = [{ baseUrl: model.baseUrl, apiKey: model.apiKey }, ...model.regions]
  let missing: string | null = null
  const lanes = addresses.flatMap(({ baseUrl, apiKey = model.apiKey }): readonly Lane[] => {
    if (apiKey === undefined) return [{ baseUrl, apiKey: null }]
    return apiKey.flatMap((reference) => {
      const variable = keyVariable(reference)
      const value = variable === null ? undefined : env[variable]
      if (value) return [{ baseUrl, apiKey: value }]
      missing ??= variable
      return []
    })
  })
  return { lanes, missing: lanes.length === 0 ? missing : null }
}

/** The name in `${env:NAME}`; null for anything else. */
export function keyVariable(reference: string): string | null {
  return reference.match(/^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/)?.[1] ?? null
}
