/** What loops of agents are told: the exact shape of a checked answer, over the real router. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type AgentContext, agentRequest, routeWithQualityCheck } from '../../src/index.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { ModelScript } from '../../src/testing.ts'
import { ACCEPTING, SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'
import { startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy } from '../support/serve-process.ts'

const POLICY: PolicyInput = {
  models: SMALL_AND_BIG,
  defaults: { task: 'chat' },
  hardStops: { irreversible: ['deploy'] },
  tasks: {
    chat: { ...ACCEPTING, kind: 'text' },
    sort: { ...ACCEPTING, kind: 'boolean', minConfidence: 0.7 },
    alone: { ...ACCEPTING, kind: 'text', frontier: false },
    release: { ...ACCEPTING, kind: 'text', irreversible: true },
  },
}

function routerWith(small: Omit<ModelScript, 'name'>, env: Readonly<Record<string, string>> = { KEY: 'k' }) {
  return sampleRouter({ policy: POLICY, env, models: { small, big: { answers: () => 'from afar' } } })
}

const says = (text: string): Omit<ModelScript, 'name'> => ({ answers: () => text })
const decides = (yes: number): Omit<ModelScript, 'name'> => ({ decisions: [{ probabilities: { yes, no: 1 - yes } }] })

async function checked(prompt: string, action?: string, context?: AgentContext, small = says('from here')) {
  const sample = routerWith(small)
  try {
    const about = { ...(action && { action }), ...(context && { context }) }
    return await routeWithQualityCheck(prompt, { router: sample.router, ...about })
  } finally {
    await sample.router.close()
  }
}

describe('a checked answer', () => {
  it('has exactly the keys of the contract when a local model answers', async () => {
    const found = await checked('Is it good?', 'sort', {}, decides(0.9))
    expect(found).toEqual({
      response: 'yes',
      decision: { model: { name: 'small' }, tier: 'local_fast', reason: 'local_accepted' },
      quality: {
        passed: true,
        confidence: expect.closeTo(0.9, 6),
        issues: [],
        reasoning: 'A local model answered and its gates accepted. No error bound is proven for it.',
      },
      stats: [{ tier: 'local_fast', model: 'small', costUsd: 0, latencyMs: expect.any(Number), ok: true }],
    })
  })

  it('tells one attempt each, and what a gate had against the local answer, when a frontier answers', async () => {
    const found = await checked('Is it good?', 'sort', {}, decides(0.55))
    expect(found).toMatchObject({
      response: 'from afar',
      decision: { model: { name: 'big' }, tier: 'frontier', reason: 'confidence_low' },
      quality: { passed: true, confidence: null, issues: [expect.stringMatching(/^confidence_low: /)] },
    })
    expect(found.quality.reasoning).toMatch(/^The probability of the chosen option, .* below the limit\. /)
    expect(found.stats.map(({ tier, model, ok }) => [tier, model, ok])).toEqual([
      ['local_fast', 'small', true],
      ['frontier', 'big', true],
    ])
  })

  it('has not passed when it only stands in for one that could not be had', async () => {
    const sample = routerWith(decides(0.55), {})
    const found = await routeWithQualityCheck('Is it good?', { router: sample.router, action: 'sort' })
    await sample.router.close()
    expect(found).toMatchObject({ response: 'yes', quality: { passed: false }, decision: { model: { name: 'small' } } })
    expect(found.quality.reasoning).toContain('It stands in for one that could not be had.')
  })

  it('has no response, model or tier when a rule leaves nobody to answer', async () => {
    const found = await checked('What next?', 'alone', { affectsSystemState: true })
    expect(found).toMatchObject({
      response: null,
      decision: { model: { name: null }, tier: null },
      quality: { passed: false, confidence: null },
      stats: [],
    })
  })

  it('tells a call that failed as an attempt that is not ok', async () => {
    const failing = { answers: [{ fail: 'model_timeout', values: { model: 'small', timeoutMs: 1 } }] } as const
    const found = await checked('Hello', 'chat', {}, failing)
    expect(found.response).toBe('from afar')
    expect(found.stats.map(({ model, ok }) => [model, ok])).toEqual([
      ['small', false],
      ['big', true],
    ])
  })
})

describe('what an agent says of its step', () => {
  it('goes by the default of the policy when it names no action', async () => {
    expect((await checked('Hello')).decision.reason).toBe('local_accepted')
    expect(agentRequest('Hello').metadata).not.toHaveProperty('task')
  })

  it('refuses an action that the policy does not know', async () => {
    await expect(checked('Hello', 'nonsense')).rejects.toMatchObject({ code: 'unknown_task' })
  })

  it.each(['affectsSystemState', 'userVisibleOutput', 'unrestricted'] as const)(
    'leaves the answer to a frontier when %s is true, and not when it is false',
    async (key) => {
      expect((await checked('Hello', 'chat', { [key]: true })).decision.reason).toBe('quality_critical')
      expect((await checked('Hello', 'chat', { [key]: false })).decision.reason).toBe('local_accepted')
    },
  )

  it('asks for a frontier from the fourth round on, where the rules leave one', async () => {
    expect((await checked('Hello', 'chat', { iteration: 2 })).decision.reason).toBe('local_accepted')
    expect((await checked('Hello', 'chat', { iteration: 3 })).decision.reason).toBe('manual_override')
    expect((await checked('Hello', 'alone', { iteration: 9 })).response).toBe('from here')
    await expect(checked('Hello', 'chat', { iteration: -1 })).rejects.toMatchObject({ code: 'request_invalid' })
  })

  it('puts what was said before the prompt', async () => {
    const history = [
      { role: 'user', content: 'My name is Ada.' },
      { role: 'assistant', content: 'Noted.' },
    ] as const
    const heard: string[] = []
    const small: Omit<ModelScript, 'name'> = {
      answers: (call) => {
        heard.push(...call.messages.map(({ content }) => String(content)))
        return 'Ada'
      },
    }
    await checked('What is my name?', 'chat', { history }, small)
    expect(heard.slice(-3)).toEqual(['My name is Ada.', 'Noted.', 'What is my name?'])
  })
})

describe('approval', () => {
  it.each([
    ['Hello', 'release', true],
    ['Please deploy it.', 'chat', true],
    ['Hello', 'chat', false],
  ] as const)(
    'of %j as %s is told before anybody is asked, and with the outcome: %s',
    async (prompt, action, wanted) => {
      const sample = routerWith(says('from here'))
      const request = agentRequest(prompt, { action })
      expect(sample.router.route(request).decision.approvalRequired).toBe(wanted)
      expect(sample.opened).toEqual([])
      expect((await sample.router.complete(request)).approvalRequired).toBe(wanted)
      await sample.router.close()
    },
  )

  it('is not taken back by what a caller wishes', () => {
    const { router } = routerWith(says('from here'))
    const request = agentRequest('Hello', { action: 'release' })
    const wishes = [{ override: 'local' }, { override: 'frontier' }, { prefer: 'small' }] as const
    const told = wishes.map((wish) => router.route({ ...request, ...wish }).decision.approvalRequired)
    expect(told).toEqual([true, true, true])
  })

  it('changes nothing in who answers: acting is not the business of the router', async () => {
    expect((await checked('Hello', 'release')).decision).toEqual((await checked('Hello', 'chat')).decision)
  })
})

describe('a program that names no router', () => {
  it('shares one of spillway.yaml in its folder, and leaves settled records when it forgets to close it', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    const choice = { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hello' } }
    const body = { id: 'c', object: 'chat.completion', created: 0, model: 'gpt-4.1-nano', choices: [choice], usage }
    await using cloud = await startScriptedCloud()
    cloud.otherwise({ headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify(body)] })
    const folder = mkdtempSync(join(tmpdir(), 'spillway-hook-'))
    try {
      writeFileSync(join(folder, 'spillway.yaml'), cloudPolicy(cloud.openAiBaseUrl))
      expect(await ran(folder, TWICE)).toEqual(['hello', 'hello', 'true'])
      expect(await ran(folder, SETTLED)).toEqual(['2'])
      rmSync(join(folder, 'spillway.yaml'))
      expect(await ran(folder, REFUSED)).toEqual(['policy_not_found'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

const INDEX = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts'))
const TWICE = `
import { routeWithQualityCheck } from '${INDEX}'
const first = await routeWithQualityCheck('Say hello.')
const second = await routeWithQualityCheck('Say hello.', { action: 'direct' })
console.log(first.response); console.log(second.response); console.log(first.quality.passed)`
const SETTLED = `
import { createRouter } from '${INDEX}'
const router = createRouter({ policy: 'spillway.yaml' })
console.log(router.audit({}).filter(({ outcome }) => outcome === 'accepted').length)
await router.close()`
const REFUSED = `
import { routeWithQualityCheck } from '${INDEX}'
console.log(await routeWithQualityCheck('Hello').catch(({ code }) => code))`

/** @returns the lines that a program prints in this folder */
async function ran(folder: string, code: string): Promise<readonly string[]> {
  const home = (name: string) => join(folder, name)
  const env = {
    ...process.env,
    CLOUD_KEY: 'simulated',
    XDG_STATE_HOME: home('s'),
    XDG_CACHE_HOME: home('c'),
    XDG_CONFIG_HOME: home('f'),
  }
  const args = ['--input-type=module', '-e', code]
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const [exitCode] = await once(child, 'close')
  expect(exitCode).toBe(0)
  return text.trim().split('\n')
}
