/** Every example as a process, with the real local model and a scripted frontier. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { anthropicText } from '../support/cloud-answers.ts'
import { exampleFile, jsonLines, runExample } from '../support/examples.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

let box: Sandbox
let cloud: ScriptedCloud
beforeAll(() => {
  box = sandbox()
})
beforeEach(async () => {
  cloud = await startScriptedCloud()
  return () => cloud.close()
})
afterAll(() => box.close())

const KEY = { ANTHROPIC_API_KEY: 'simulated' }

/** The example's own policy, whose frontier is the scripted cloud. */
function policyOf(example: string): string {
  const text = readFileSync(exampleFile(`${example}/spillway.yaml`), 'utf8')
  const file = join(box.folder, `${example}.yaml`)
  const own = text
    .replace(
      'preset: anthropic, provider: anthropic',
      `provider: anthropic, priceUsdPerMillion: { input: 1, output: 5 }, baseUrl: "${cloud.url}"`,
    )
    .replace('topics.jsonl', exampleFile(`${example}/topics.jsonl`))
  writeFileSync(file, own)
  return file
}

describe('nightly log triage', () => {
  it('labels 200 logs, groups them, and has one report written', async () => {
    cloud.otherwise((request) => {
      const reply = anthropicText(request.text.includes('Write a report') ? 'Mend the tests first.' : 'access')
      return typeof reply === 'function' ? reply(request) : reply
    })
    const night = join(box.folder, 'night')
    const made = await runExample(box, ['log-triage/make-logs.mjs', night])
    expect(made.stdout).toBe(`200 logs in ${night}\n`)
    const report = join(box.folder, 'report.md')
    const args = [night, '--report', report, '--policy', policyOf('log-triage')] as const
    const { stdout, stderr, exitCode } = await runExample(box, ['log-triage/triage.mjs', ...args], {
      env: KEY,
      scripted: true,
    })
    expect([stderr, exitCode]).toEqual(['', 0])
    const [summary] = jsonLines(stdout)
    expect(summary).toMatchObject({ logs: 200, reportBy: 'haiku' })
    // Seven kinds of failures take turns, and the local model may not settle the one that is about access.
    expect(summary?.labels).toEqual({ build: 58, test: 58, dependency: 56, access: 28 })
    const { routes, costUsd, groups } = summary as { routes: Record<string, number>; costUsd: number; groups: number }
    expect(routes).toEqual({ local: 172, frontier: 28 })
    // What the local model may not settle was asked elsewhere, and the report once.
    expect(cloud.requests).toHaveLength(28 + 1)
    expect(costUsd).toBeGreaterThan(0)
    expect(groups).toBe(10)
    expect(readFileSync(report, 'utf8')).toMatch(/^# 200 failed jobs\n\nMend the tests first\.\n\n\| jobs \| failure/)
  })

  it('goes through a short night with the real local model and without a key', async () => {
    const night = join(box.folder, 'short')
    await runExample(box, ['log-triage/make-logs.mjs', night, '--count', '7'])
    const { stdout, exitCode } = await runExample(box, ['log-triage/triage.mjs', night])
    expect(exitCode).toBe(0)
    expect(jsonLines(stdout)[0]).toMatchObject({ logs: 7, reportBy: null, costUsd: 0 })
  })
})

describe('support tickets', () => {
  it('are sorted without a byte that leaves, and the ledger proves it', async () => {
    const policy = policyOf('support-tickets')
    const tickets = exampleFile('support-tickets/tickets.jsonl')
    const { stdout, stderr, exitCode } = await runExample(
      box,
      ['support-tickets/triage.mjs', tickets, '--policy', policy],
      { env: KEY },
    )
    expect([stderr, exitCode]).toEqual(['', 0])
    const rows = jsonLines(stdout)
    expect(rows).toHaveLength(8)
    for (const { id, topic, urgent, routes } of rows) {
      // A refused login is a hard stop: no local model settles it, and it goes nowhere else.
      if (id === 't3') expect([topic, urgent, routes]).toEqual([null, null, ['held', 'held']])
      else
        expect([topic, urgent, routes]).toEqual([
          expect.any(String),
          expect.stringMatching(/^(yes|no)$/),
          ['local', 'local'],
        ])
    }
    expect(cloud.requests).toHaveLength(0)
    // The proof is about something: a request of another class goes out, and is found.
    cloud.otherwise(anthropicText('Hello.'))
    const other = ['ask', '--policy', policy, 'Say hello to the world.']
    expect((await box.run(other, { env: { ...KEY } })).exitCode).toBe(0)
    expect(cloud.requests).toHaveLength(1)
    const proof = await box.run(['audit', 'egress', '--prove', 'local_only', '--json'])
    expect([proof.exitCode, JSON.parse(proof.stdout)]).toMatchObject([0, { holds: true }])
  })
})

describe('the chat with the AI SDK', () => {
  it('streams answers with a history, and says who gave each', async () => {
    cloud.otherwise(anthropicText('Rome lies on it.'))
    const policy = policyOf('ai-sdk-chat')
    const input = 'What is 12.5% of 480?\nWhich city lies on the Tiber, and why was it built there of all places?\n'
    const { stdout, stderr, exitCode } = await runExample(box, ['ai-sdk-chat/chat.mjs', '--policy', policy], {
      env: KEY,
      input,
    })
    expect([stderr, exitCode]).toEqual([expect.stringMatching(/^[> ]*$/), 0])
    expect(stdout).toMatch(
      /^60\n\(solver, solver_answered, 0 USD\)\nRome lies on it\.\n\(frontier, haiku, \w+, [\d.e-]+ USD\)\n$/,
    )
    expect(JSON.stringify(cloud.requests[0]?.body.messages)).toContain('60')
  })
})

describe('questions to a document', () => {
  it('are answered with words of it, or not at all', async () => {
    const questions = ['Who built the dam?', 'What is the capital of Peru?']
    const { stdout, exitCode } = await runExample(box, [
      'document-qa/ask.mjs',
      exampleFile('document-qa/dam.txt'),
      ...questions,
    ])
    expect(exitCode).toBe(0)
    const [found, none] = jsonLines(stdout)
    expect(found).toMatchObject({ answer: 'Anna Lindqvist', route: 'local' })
    const text = readFileSync(exampleFile('document-qa/dam.txt'), 'utf8')
    expect(text.slice(Number(found?.from), Number(found?.to))).toBe('Anna Lindqvist')
    expect(none).toMatchObject({ answer: null, from: null })
  })

  it.each(['document-qa/ask.mjs', 'support-tickets/triage.mjs', 'log-triage/triage.mjs', 'log-triage/make-logs.mjs'])(
    '%s says how it is used',
    async (program) => {
      const { exitCode, stderr } = await runExample(box, [program])
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('usage: ')])
    },
  )
})
