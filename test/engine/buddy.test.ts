import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { Outcome, StreamEvent } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'
import { type RecordedRequest, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const DOCUMENT = [
  'The lighthouse at Cape Morrow was built in 1874 by the engineer Anna Reyes. It is made of white stone. The keepers lived beside it.',
  'The harbour of the town was dredged in 1921. Larger ships could then call at its quay. A railway followed two years after that.',
  'Basalt forms when lava cools quickly at the surface. Granite cools slowly deep underground. Neither is mined any more.',
].join('\n\n')

const SMALL = {
  provider: 'embedded',
  model: 'smollm2-135m-instruct',
  tier: 'local_fast',
  contextTokens: 2048,
  maxOutputTokens: 48,
} as const
const task = {
  local: 'small',
  frontier: 'big',
  stage: 'accept',
  complexity: 'simple',
  accept: { uncalibrated: true, auditRate: 0 },
} as const

let home: EngineHome
let cloud: ScriptedCloud
let router: Router
beforeAll(async () => {
  home = engineHome()
  cloud = await startScriptedCloud()
  const { openAiBaseUrl: baseUrl } = cloud
  const big = { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' } as const
  const policy = {
    models: { small: SMALL, big },
    tasks: {
      found: { ...task, kind: 'extract' as const, minConfidence: 0.999, pattern: { buddy: { windows: 1 } } },
      near: {
        ...task,
        kind: 'extract' as const,
        minConfidence: 0.999,
        pattern: { buddy: { windows: 1, retriever: 'hybrid' as const } },
      },
      told: {
        ...task,
        kind: 'text' as const,
        gates: { entropyNats: 0.05 },
        pattern: { buddy: { delivery: 'at_once' as const } },
      },
    },
  }
  router = createRouter({ policy, paths: home.paths, env: { KEY: 'k' } })
})
afterAll(async () => {
  await router.close()
  await home.close()
  await cloud.close()
})

function prompt({ body }: RecordedRequest): string {
  return (body.messages as { content: string }[]).map(({ content }) => content).join('\n')
}

/** Knows these words where they stand in the passage it was sent. */
function knowing(words: string): void {
  cloud.otherwise((request) => {
    const passage = prompt(request).split('Passage:\n')[1] ?? ''
    const at = passage.indexOf(words)
    const reply = openAiText(
      JSON.stringify(at < 0 ? { value: null, evidence: null, at: null } : { value: words, evidence: words, at }),
    )
    return typeof reply === 'function' ? reply(request) : reply
  })
}

const asked = (outcome: Outcome, purpose: string) => outcome.attempts.filter((attempt) => attempt.purpose === purpose)

describe('a buddy of the real model', () => {
  it('asks about the answer that was copied from the document, and corrects it by what its passage says', async () => {
    knowing('1874')
    const before = cloud.requests.length
    const content = `${DOCUMENT}\n\nIn which year was the lighthouse at Cape Morrow built?`
    const outcome = await router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'found' } })
    expect(outcome.answer).toBe('1874')
    expect(outcome.decision).toMatchObject({ route: 'local', degraded: false, model: 'small', pattern: 'buddy' })
    expect(asked(outcome, 'span')).toMatchObject([{ model: 'big', outcome: 'answered' }])
    const [record] = router.audit({ requestId: outcome.requestId })
    expect(record?.pattern).toMatchObject({ name: 'buddy', did: { unresolved: 0, questions: 1 } })
    expect(record?.egress).toMatchObject([{ model: 'big', purpose: 'span' }])
    const sent = cloud.requests.slice(before)
    expect(sent).toHaveLength(1)
    expect(sent.map(prompt).join()).toContain('Cape Morrow')
    expect(sent.map(prompt).join()).not.toContain('Basalt')
  })

  it('finds passages by vectors of the local model as well, one call on record', async () => {
    knowing('1921')
    const content = `${DOCUMENT}\n\nWhen was the harbour of the town dredged?`
    const outcome = await router.complete({ messages: [{ role: 'user', content }], metadata: { task: 'near' } })
    expect(outcome.answer).toBe('1921')
    expect(asked(outcome, 'retrieval')).toMatchObject([
      { model: 'small', actor: 'local', outcome: 'answered', costUsd: 0 },
    ])
  })

  it('gives a sentence at once, reads the doubt of its tokens, and asks about a piece of it', async () => {
    cloud.otherwise((request) => {
      const doubtful = /Doubtful: (.*)/.exec(prompt(request))?.[1] ?? ''
      const reply = openAiText(JSON.stringify({ value: doubtful, evidence: doubtful, at: 0 }))
      return typeof reply === 'function' ? reply(request) : reply
    })
    const content = `${DOCUMENT}\n\nTell in one full sentence who built the lighthouse at Cape Morrow and when it was built.`
    const events: StreamEvent[] = []
    const request = { messages: [{ role: 'user' as const, content }], metadata: { task: 'told' }, temperature: 0 }
    for await (const event of router.stream(request)) events.push(event)
    const final = events.at(-1)
    if (final?.type !== 'final') throw new Error('no final event')
    const { answer, requestId } = final.outcome
    const types = events.map(({ type }) => type)
    expect(types.indexOf('text')).toBeLessThan(types.indexOf('waiting'))
    const spans = router.audit({ requestId })[0]?.pattern?.did.spans as readonly (readonly [
      string,
      number,
      number,
      number,
    ])[]
    expect(spans.length).toBeGreaterThan(0)
    for (const [, start, end, nats] of spans) {
      expect(answer?.slice(start, end).trim()).not.toBe('')
      expect(nats).toBeGreaterThan(0)
    }
  })
})
