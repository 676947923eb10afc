/** Whether providers take the keys of a policy, by a question that is free: which models they may use. */
import { fetchFrom } from '../models/dial.ts'
import { PROVIDER_URLS } from '../spec/destination.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { proxyFor } from '../spec/proxy.ts'
import { type Check, type CheckPlace, fail, ok, warn } from './doctor-check.ts'

const PATIENCE_MS = 5000

/** One check for each key that is set; no text of anybody goes along. */
export async function keyCalls(loaded: LoadedPolicy | null, place: CheckPlace): Promise<readonly Check[]> {
  const calls = Object.entries(loaded?.policy.models ?? {}).flatMap(([name, { provider, baseUrl }]) => {
    const lane = loaded?.lanes.get(name)?.[0]
    const isListed = provider === 'openai' || provider === 'anthropic'
    if (!loaded || !lane?.apiKey || !isListed) return []
    const base = baseUrl ?? PROVIDER_URLS[provider]
    const url = new URL(`${base.replace(/\/+$/, '')}${provider === 'anthropic' ? '/v1' : ''}/models`)
    const headers =
      provider === 'anthropic'
        ? { 'x-api-key': lane.apiKey, 'anthropic-version': '2023-06-01' }
        : { authorization: `Bearer ${lane.apiKey}` }
    return [keyCall({ name, url, headers, proxy: proxyFor(url, loaded.policy.network, place.env) }, place.signal)]
  })
  return Promise.all(calls)
}

interface KeyCall {
  readonly name: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly proxy: URL | null
}

async function keyCall({ name, url, headers, proxy }: KeyCall, signal: AbortSignal): Promise<Check> {
  const title = `call ${name}`
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
    const response = await fetchFrom(url, { headers, signal: patience }, { proxy })
    await response.body?.cancel()
    if (response.ok) return ok(title, `${url.host} takes the key.`)
    const refused = response.status === 401 || response.status === 403
    if (refused)
      return fail(
        title,
        `${url.host} refuses the key (HTTP ${response.status}).`,
        'Set the variable to a key that is valid.',
      )
    return warn(title, `${url.host} answers HTTP ${response.status}.`, 'Try again later; the provider says no more.')
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const problem = cause instanceof Error ? cause.message : String(cause)
    return fail(
      title,
      `${url.host} cannot be reached (${problem}).`,
      'Check the network, or set network.proxy in the policy.',
    )
  }
}
