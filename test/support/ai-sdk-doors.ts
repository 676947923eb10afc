/** The provider over each of its doors, with a scripted small model here and a scripted cloud behind real HTTP. */
import { createSpillway, type Specification, type SpillwayProvider } from '../../src/ai-sdk.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { type ModelScript, scriptedModel } from '../../src/testing.ts'
import { bigAt, type GatewayOnCloud, gatewayOnCloud } from './gateway-on-cloud.ts'

export type DoorName = 'a router' | 'a gateway'

export interface OpenDoor<Version extends Specification> extends GatewayOnCloud {
  readonly spillway: SpillwayProvider<Version>
}

const TASKS: NonNullable<PolicyInput['tasks']> = {
  direct: { pattern: 'direct', local: false },
  triage: { kind: 'choice', labels: ['bug', 'idea'], local: 'small', stage: 'accept', accept: { uncalibrated: true } },
  vectors: { local: 'small', frontier: false },
}

export async function openDoor<Version extends Specification>(
  door: DoorName,
  specification: Version,
  small: Omit<ModelScript, 'name'> = {},
): Promise<OpenDoor<Version>> {
  const models = { small: scriptedModel({ name: 'small', ...small }) }
  const on = await gatewayOnCloud({
    policy: (cloud) => ({
      models: {
        big: { ...bigAt(cloud), priceUsdPerMillion: { input: 10, output: 20 } },
        small: { provider: 'embedded', model: 'm', tier: 'local_fast' },
      },
      tasks: TASKS,
      routing: { maxFallbackAttempts: 0 },
    }),
    router: { models },
  })
  const { url, key } = on.gateway
  const spillway =
    door === 'a router'
      ? createSpillway({ router: on.router, specification })
      : createSpillway({ baseURL: `${url}/v1`, apiKey: key, specification })
  return { ...on, spillway }
}
