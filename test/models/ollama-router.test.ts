import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { Router } from '../../src/spec/router.ts'
import { lastLine, line, lines, OLLAMA_DIGEST, tags } from '../support/ollama-answers.ts'
import type { ScriptedCloud } from '../support/scripted-cloud.ts'
import { json, startScriptedCloud } from '../support/scripted-cloud.ts'

let server: ScriptedCloud
let folder: string
let router: Router

beforeEach(async () => {
  server = await startScriptedCloud()
  folder = await mkdtemp(join(tmpdir(), 'spillway-ollama-'))
  const dir = (name: string): string => join(folder, name)
  router = createRouter({
    policy: {
      models: { coder: { provider: 'ollama', model: 'qwen3:8b', tier: 'local_quality', baseUrl: server.url } },
      tasks: { chat: { local: 'coder', frontier: false, accept: { uncalibrated: true } } },
    },
    env: {},
    paths: { configDir: dir('config'), dataDir: dir('data'), cacheDir: dir('cache'), stateDir: dir('state') },
  })
})
afterEach(async () => {
  await router.close()
  await server.close()
  await rm(folder, { recursive: true })
})

const logprobs = (token: string, logprob: number) => ({
  logprobs: [
    {
      token,
      logprob,
      top_logprobs: [
        { token, logprob },
        { token: 'x', logprob: -9 },
      ],
    },
  ],
})

/** Probes find an unsure token whose distribution sampling leaves alone; chats get this answer. */
function play(answer: readonly string[]): void {
  server.otherwise(({ path, body }) => {
    if (path === '/api/tags') return tags()
    if (path === '/api/version') return json({ version: '0.34.1' })
    if (path === '/api/show') return json({ capabilities: ['completion'] })
    if (body.stream === true) return lines(answer)
    return json({ model: 'qwen3:8b', message: { content: 'Sun' }, done: true, ...logprobs('Sun', -0.9) })
  })
}

const ask = () =>
  router.complete({ messages: [{ role: 'user', content: 'Capital of Italy?' }], metadata: { task: 'chat' } })

describe('a router with Ollama', () => {
  it('accepts an answer that the model was sure of, on the evidence that Ollama sends', async () => {
    play([
      line({ content: '<think>hm</think>' }, logprobs('<think>hm</think>', -3)),
      line({ content: 'Rome' }, logprobs('Rome', -0.0005)),
      lastLine(),
    ])
    const outcome = await ask()
    expect([outcome.answer, outcome.decision.reason, outcome.decision.route]).toEqual([
      'Rome',
      'local_accepted',
      'local',
    ])
    expect(outcome.signals).toMatchObject({ level: 2, fullDistribution: true, tokens: 1, meanLogprob: -0.0005 })
    const [record] = router.audit({ requestId: outcome.requestId })
    expect(record?.localModel?.identity).toEqual({
      digest: `sha256:${OLLAMA_DIGEST}`,
      quantisation: 'Q4_K_M',
      servedBy: 'qwen3:8b',
    })
  })

  it('says that the evidence is missing when Ollama sends none', async () => {
    play([line({ content: 'Rome' }), lastLine()])
    const outcome = await ask()
    expect([outcome.answer, outcome.decision.reason, outcome.decision.degraded]).toEqual([
      'Rome',
      'signal_unavailable',
      true,
    ])
  })
})
