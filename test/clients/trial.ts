/** One client at one capability: what it is told, and what the two ends saw of it. */
import assert from 'node:assert/strict'
import type { RecordedRequest } from '../support/scripted-cloud.ts'
import type { Call, Client, FailureSeen, Seen, Step } from './client.ts'
import { type Play, promptOf } from './cloud.ts'
import { type ClientServer, taskOf, type Upstream } from './server.ts'

export interface Telling {
  readonly step: Step
  readonly play: Play
  readonly upstream: Upstream
  readonly change?: Partial<Call>
}

export interface Told {
  readonly seen: Seen
  readonly requests: readonly RecordedRequest[]
}

export interface Failed {
  readonly failure: FailureSeen
  readonly requests: readonly RecordedRequest[]
}

export interface Trial {
  readonly client: Client
  /** @throws whatever the client throws */
  does(telling: Telling): Promise<Told>
  /** @throws AssertionError when the client took what it got for an answer */
  failsAt(telling: Telling): Promise<Failed>
}

export function trialOf(client: Client, server: ClientServer, capability: string): Trial {
  let number = 0
  const tell = async (
    { step, play, upstream, change }: Telling,
    run: (call: () => Promise<Seen>) => Promise<unknown>,
  ): Promise<readonly RecordedRequest[]> => {
    number += 1
    const id = `${client.name}-${capability.replaceAll('_', '-')}-${number}`
    const call: Call = {
      url: server.url,
      key: server.key,
      model: taskOf(client, upstream),
      prompt: promptOf(play, id),
      headers: {},
      retries: 0,
      timeoutMs: null,
      ...change,
    }
    const does = client.steps[step]
    assert(does, `the client has no ${step}`)
    await run(() => does(call))
    return server.requestsOf(id)
  }
  return {
    client,
    async does(telling) {
      let seen: Seen = {}
      const requests = await tell(telling, async (call) => {
        seen = await call()
      })
      return { seen, requests }
    },
    async failsAt(telling) {
      let failure: FailureSeen | null = null
      const requests = await tell(telling, async (call) => {
        await call().catch((error: unknown) => {
          failure = client.failureOf(error)
        })
      })
      assert(failure, 'the client took it for an answer')
      return { failure, requests }
    },
  }
}
