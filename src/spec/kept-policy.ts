/** A policy under which requests were recorded, with what its files held by then. */
import type { LoadedPolicy, Policy } from './policy.ts'

export interface KeptPolicy {
  /** As in the records. */
  readonly digest: string
  readonly policy: Policy
  /** `sha256:` of the examples and texts that tasks name, by task. */
  readonly files: {
    readonly heads: Readonly<Record<string, string>>
    readonly pairs: Readonly<Record<string, string>>
    readonly harmless: Readonly<Record<string, string>>
    /** `sha256:` of the plugins' files, in the order of the policy; absent in policies of older versions. */
    readonly plugins?: readonly string[]
  }
}

/** Plain data; keys of models are references in it, as they are in the policy. */
export function keptPolicyOf({ digest, policy, heads, pairs, harmless, plugins }: LoadedPolicy): KeptPolicy {
  const digests = (files: ReadonlyMap<string, { readonly digest: string }>): Readonly<Record<string, string>> =>
    Object.fromEntries([...files].map(([task, file]) => [task, file.digest]))
  const files = { heads: digests(heads), pairs: digests(pairs), harmless: digests(harmless) }
  return { digest, policy, files: { ...files, plugins: plugins.map((one) => one.digest) } }
}
