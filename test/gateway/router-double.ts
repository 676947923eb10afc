import type { Decision } from '../../src/spec/decision.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import type { RequestOptions, Router } from '../../src/spec/router.ts'

export const COMMITTED: Decision = {
  route: 'frontier',
  reason: 'policy_requires_frontier',
  pattern: 'direct',
  model: 'big',
  tier: 'frontier',
  task: 'chat',
  degraded: false,
  proven: false,
  stage: 'accept',
}

export const COMMIT: StreamEvent = { type: 'commit', requestId: 'req-1', decision: COMMITTED, attempts: 1 }

/** A router that only streams, for what no scripted model can do: stop half-way, never end, break in its own code. */
export function streamingRouter(stream: (signal: AbortSignal) => AsyncIterable<StreamEvent>): Router {
  const absent = (): never => {
    throw new Error('this double only streams')
  }
  return {
    stream: (_request, options?: RequestOptions) => stream(options?.signal ?? new AbortController().signal),
    async streamTo(_request, take, options) {
      for await (const event of stream(options?.signal ?? new AbortController().signal)) await take(event)
    },
    complete: absent,
    decide: absent,
    route: absent,
    audit: absent,
    feedback: absent,
    held: {
      list: absent,
      find: absent,
      wait: absent,
      text: absent,
      answer: absent,
      release: absent,
      refuse: absent,
    },
    status: () => ({
      policyDigest: 'sha256:0',
      policyFile: '(none)',
      tasks: ['chat'],
      models: [],
      ready: true,
      audit: { ok: true, problem: null, spooled: 0, corrupt: [] },
      rollouts: { problem: null, inForce: [], watched: [], rotations: [], candidates: [] },
      overrides: { inForce: 0, problem: null },
      held: null,
      shadows: { running: 0, waiting: 0, dropped: 0 },
      candidates: { running: 0, waiting: 0, dropped: 0 },
    }),
    preload: async () => [],
    close: async () => {},
  }
}

/** Begins to answer and never ends; a cancelled call rejects as a model does. */
export async function* halfAnAnswer(signal: AbortSignal): AsyncGenerator<StreamEvent> {
  yield COMMIT
  yield { type: 'text', delta: 'half ' }
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw new RouterError('cancelled', { requestId: 'req-1' })
}
