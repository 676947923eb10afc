import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { contentSealer } from '../../src/stores/sealed-content.ts'
import { auditRecord } from '../support/audit-record.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const SYSTEM = 'Sort the letter into exactly one of these: praise, complaint, question. Reply with that word only.'
const body = (at: number) => ({
  model: 'gpt-4o-mini',
  max_tokens: 4,
  messages: [
    { role: 'system', content: SYSTEM },
    {
      role: 'user',
      content: at === 3 ? 'The server said 401 Unauthorized to me.' : `Letter ${at}: the bread was late.`,
    },
  ],
})
const call = (at: number) => ({
  request: body(at),
  response: {
    choices: [{ message: { role: 'assistant', content: ['praise', 'complaint'][at % 2] } }],
    usage: { prompt_tokens: 1000, completion_tokens: 2 },
  },
  cost: 0.01,
})
const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n')
const eight = Array.from({ length: 8 }, (_, at) => at)

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(
    join(box.folder, 'requests.jsonl'),
    lines(eight.map((at) => ({ id: `r${at}`, wire: 'openai', body: body(at) }))),
  )
  writeFileSync(join(box.folder, 'log.jsonl'), lines(eight.map(call)))
})
afterAll(() => box.close())

describe('spillway tasks discover', () => {
  it('prints a policy that policy check accepts, with the evidence beside each task', async () => {
    const { exitCode, stdout, stderr } = await box.run(['tasks', 'discover', '--from', 'requests.jsonl'])
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('8 requests: 1 tasks proposed')])
    expect(stdout).toContain('# Kind choice (clear): lists 3 answers to choose from, at most 4 tokens.')
    expect(stdout).toContain('# Stays by the rules: hard_stop_access 1 of 8.')
    writeFileSync(join(box.folder, 'proposed.yaml'), stdout)
    const check = await box.run(['policy', 'check', 'proposed.yaml', '--json'])
    expect(JSON.parse(check.stdout)).toMatchObject({
      ok: true,
      tasks: ['choice_praise_complaint_question'],
      models: ['small', 'gpt-4o-mini'],
    })
    const request = JSON.stringify(body(0).messages[1]?.content)
    expect(stdout).not.toContain(request.slice(1, -1))
  })

  it('tells the same as JSON, and takes models from a policy', async () => {
    const policy = 'models: { cloud: { provider: openai, model: gpt-4o-mini, apiKey: "${env:K}", tier: frontier } }\n'
    writeFileSync(join(box.folder, 'own.yaml'), policy)
    const { stdout } = await box.run([
      'tasks',
      'discover',
      '--from',
      'requests.jsonl',
      '--policy',
      'own.yaml',
      '--json',
    ])
    const found = JSON.parse(stdout)
    expect(found.groups[0]).toMatchObject({
      kind: 'choice',
      policyKind: 'choice',
      labels: ['praise', 'complaint', 'question'],
      matched: 8,
      stays: { hard_stop_access: 1 },
      localShare: { atMost: 7 / 8 },
    })
    expect(found.policy).toContain('frontier: cloud')
  })

  it('reads a pipe', async () => {
    const { stdout } = await box.run(['tasks', 'discover', '--from', '-', '--json'], { input: lines(eight.map(body)) })
    expect(JSON.parse(stdout)).toMatchObject({ read: 8, groups: [{ requests: 8, matched: 8 }] })
  })

  it.each([
    ['no file', ['--from', 'none.jsonl'], '', 'There is no file none.jsonl'],
    ['nothing to read', ['--from', '-'], '\n\n', 'stdin holds no request'],
    ['a broken line', ['--from', '-'], `${JSON.stringify(body(1))}\n{"model":`, 'stdin, line 2, is not a JSON object'],
    ['an array', ['--from', '-'], '[\n{}\n]', 'jq -c'],
    [
      'a body that is no request',
      ['--from', '-'],
      '{"messages":[{"role":"wizard","content":"x"}]}',
      'stdin, line 1: The request is invalid at messages.0.role',
    ],
    ['no source', [], '', 'Either --from or --since'],
    ['two sources', ['--from', 'a', '--since', '7d'], '', 'Either --from or --since'],
    ['a wrong format', ['--from', '-', '--format', 'csv'], '', '--format csv is not known'],
    ['a wrong least', ['--from', '-', '--min', '0'], '', '--min 0'],
  ])('says what is wrong with %s', async (_, args, input, message) => {
    const { exitCode, stderr, stdout } = await box.run(['tasks', 'discover', ...args], { input })
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  it('leaves bad lines out when it is told to, and says so', async () => {
    const input = `${lines(eight.map(body))}\nnonsense\n{"messages":[{"role":"wizard"}]}\n`
    const { exitCode, stdout, stderr } = await box.run(
      ['tasks', 'discover', '--from', '-', '--skip-bad-lines', '--json'],
      { input },
    )
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ read: 8, badLines: 2 })])
    expect(stderr).toContain('left out: stdin, line 9, is not a JSON object')
  })

  it('reads the kept texts of requests that came under no task, with their key, and logs it once', async () => {
    const key = randomBytes(32).toString('base64')
    const { stateDir } = resolvePaths(box.env, process.platform)
    const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse' })
    const sealer = contentSealer({ SPILLWAY_CONTENT_KEY: key })
    const at = new Date().toISOString()
    for (const one of eight) {
      const requestId = `kept-${one}`
      const record = auditRecord(requestId, { outcome: 'accepted', receivedAt: at })
      const taskSource = one < 7 ? 'default' : 'match'
      const features = { ...record.features, taskSource } as typeof record.features
      log.journal.append({ type: 'settle', requestId, record: { ...record, features } })
      const { messages } = body(one) as { messages: { role: 'system' | 'user'; content: string }[] }
      const answer = { text: ['praise', 'complaint'][one % 2] ?? '', toolCalls: [], finishReason: 'stop' as const }
      const sealed = sealer.seal({ requestId, tenant: null }, { request: { messages }, answer, draft: null })
      log.journal.append({ type: 'content', requestId, tenant: null, at, sealed: sealed.toString('base64') })
    }
    await log.close()
    const env = { SPILLWAY_CONTENT_KEY: key }
    const { stdout } = await box.run(['tasks', 'discover', '--since', '7d', '--json'], { env })
    expect(JSON.parse(stdout)).toMatchObject({ read: 7, groups: [{ kind: 'choice', requests: 7 }] })
    const without = await box.run(['tasks', 'discover', '--since', '7d', '--json'])
    expect([without.exitCode, JSON.parse(without.stderr).error.code]).toEqual([2, 'content_key_unusable'])
    const events = JSON.parse((await box.run(['audit', 'events', '--json'])).stdout)
    expect(events).toMatchObject([{ kind: 'content_read', what: { requests: '8' } }])
  })
})

describe('spillway tasks suggest', () => {
  it('proposes the task of one request, written over several lines', async () => {
    writeFileSync(join(box.folder, 'one.json'), JSON.stringify({ wire: 'openai', body: body(0) }, null, 2))
    const { stdout } = await box.run(['tasks', 'suggest', 'one.json', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'choice',
      labels: ['praise', 'complaint', 'question'],
      match: { systemHash: expect.stringMatching(/^sha256:/) },
    })
  })

  it('says that a request without anything constant has to name its task', async () => {
    const input = JSON.stringify({ messages: [{ role: 'user', content: 'Translate to Greek: good night' }] })
    const { stdout } = await box.run(['tasks', 'suggest', '-'], { input })
    expect(stdout).toContain('let the client name the task')
    expect(stdout).toContain('kind: text')
  })

  it.each([
    ['[1]', 'stdin is not one JSON object'],
    ['{"input_tokens":3}', 'stdin holds no request'],
  ])('says what is wrong with %s', async (input, message) => {
    const { exitCode, stderr } = await box.run(['tasks', 'suggest', '-'], { input })
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

describe('spillway audit import', () => {
  it('says what would have been saved, what stays and why, and that the risk is not known', async () => {
    const { stdout } = await box.run(['audit', 'import', 'log.jsonl', '--format', 'openai', '--json'])
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      requests: 8,
      cost: { fromLog: 8, fromPrices: 0, unknown: 0 },
      stays: [{ reason: 'hard_stop_access', requests: 1 }],
      localShare: { atMost: 7 / 8 },
      risk: { solver: null, models: 'unknown' },
      stored: false,
    })
    expect(report.cost.usd).toBeCloseTo(0.08, 10)
    expect(report.saving.atMostUsd).toBeCloseTo(0.07, 10)
    expect(report.saving.expectedUsd).toBeCloseTo(0.07 * 0.69, 10)
    const text = await box.run(['audit', 'import', 'log.jsonl', '--format', 'openai'])
    expect(text.stdout).toContain('stays with the frontier: hard_stop_access 1')
    expect(text.stdout).toContain('No local model has answered any of the 7 candidates')
  })

  it('compares solvers with the answers in the log, with an interval', async () => {
    const sum = (at: number) => ({
      model: 'gpt-4o',
      messages: [
        { role: 'system', content: 'Answer the question with a number only.' },
        { role: 'user', content: `What is ${at} + ${at}?` },
      ],
      output: at === 5 ? '11' : String(2 * at),
    })
    const input = lines(eight.map(sum))
    const { stdout } = await box.run(['audit', 'import', '-', '--format', 'jsonl', '--json'], { input })
    const { risk } = JSON.parse(stdout)
    expect(risk).toMatchObject({ solver: { wrong: 1, compared: 8 }, models: 'none_would_answer' })
    expect(risk.solver.interval[0]).toBeCloseTo(0.0032, 4)
    expect(risk.solver.interval[1]).toBeCloseTo(0.5265, 4)
  })

  it('lets the tasks and rules of a policy come first', async () => {
    writeFileSync(
      join(box.folder, 'strict.yaml'),
      'models: { cloud: { provider: openai, model: gpt-4o-mini, apiKey: "${env:K}", tier: frontier } }\ntasks: { letters: { local: false, match: { words: [letter] } } }\n',
    )
    const { stdout } = await box.run([
      'audit',
      'import',
      'log.jsonl',
      '--format',
      'openai',
      '--policy',
      'strict.yaml',
      '--json',
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      stays: [
        { reason: 'policy_requires_frontier', requests: 7 },
        { reason: 'hard_stop_access', requests: 1 },
      ],
      saving: { atMostUsd: 0 },
    })
  })

  it('stores nothing', async () => {
    const other = sandbox()
    writeFileSync(join(other.folder, 'log.jsonl'), lines(eight.map(call)))
    await other.run(['audit', 'import', 'log.jsonl', '--format', 'openai'])
    expect(JSON.parse((await other.run(['audit', 'show', '--json'])).stdout)).toMatchObject({ total: 0 })
    await other.close()
  })

  it('says why a log without texts tells nothing', async () => {
    const input = lines(eight.map(() => ({ call_type: 'acompletion', spend: 0.1, messages: '{}', response: '{}' })))
    const { exitCode, stderr } = await box.run(['audit', 'import', '-', '--format', 'litellm'], { input })
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringContaining('stdin holds no call with its text (left out: 8 no_text)'),
    ])
    expect(stderr).toContain('Switch on the storing of prompts')
  })

  it('wants to be told the format', async () => {
    expect((await box.run(['audit', 'import', 'log.jsonl'])).stderr).toContain(
      "equired option '--format <format>' not specified",
    )
  })
})
