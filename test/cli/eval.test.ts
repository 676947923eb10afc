import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, apiKey: "\${env:NO_SUCH_KEY}" }
tasks:
  mood:
    kind: boolean
    description: Is the speaker happy?
    local: small
    minConfidence: 0.6
    accept: { uncalibrated: true }
    evalSet: mood.jsonl
    bars: { minValidShape: 1, maxRollbackMs: 9000 }
`
const ROWS = [
  { id: 'a', input: 'I am so happy today!', expected: true },
  { id: 'b', input: 'This is the worst day of my life.', expected: false },
  { id: 'c', input: 'What a wonderful gift, thank you!', expected: true },
]

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  writeFileSync(join(box.folder, 'mood.jsonl'), ROWS.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => box.close())

describe('spillway eval', () => {
  it('asks the real local model, keeps rows and reports, and leaves the audit of the traffic alone', async () => {
    const { exitCode, stdout, stderr } = await box.run(['eval', '--out', 'run', '--json'])
    expect(stderr).not.toContain('error')
    expect(exitCode).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({
      datasets: ['mood.jsonl'],
      all: { n: 3, failed: 0, validShape: { count: 3, n: 3 }, draftAccuracy: { n: 3 } },
      tasks: [{ task: 'mood' }],
      bars: [
        { bar: 'minValidShape', task: 'mood', isMet: true },
        { bar: 'maxRollbackMs', task: 'mood', isMet: true, n: 1 },
      ],
    })
    expect(report.all.localShare.count + (report.all.reasons.confidence_low ?? 0)).toBe(3)
    expect(readFileSync(join(box.folder, 'run/report.html'), 'utf8')).toContain('<h2>All tasks</h2>')
    expect(readFileSync(join(box.folder, 'run/rows.jsonl'), 'utf8').trim().split('\n')).toHaveLength(4)
    const audit = await box.run(['audit', 'tail', '--json'])
    expect(audit.stdout).not.toContain('mood')
  })

  it('goes on with --resume without asking again, and refuses to write over results', async () => {
    const resumed = await box.run(['eval', '--out', 'run', '--resume'])
    expect(resumed.exitCode).toBe(0)
    expect(resumed.stdout).toContain('met    mood minValidShape 1: 1')
    expect(resumed.stdout).toContain('The frontier was not called')
    const again = await box.run(['eval', '--out', 'run'])
    expect(again.exitCode).toBe(2)
    expect(again.stderr).toContain('holds the results of an evaluation')
  })

  it('ends with 6 when a bar is missed', async () => {
    writeFileSync(
      join(box.folder, 'strict.yaml'),
      POLICY.replace('minValidShape: 1, maxRollbackMs: 9000', 'minValidShape: 1, minExpectedRoute: 1'),
    )
    const { exitCode, stdout, stderr } = await box.run(['eval', '--policy', 'strict.yaml', '--limit', '1'])
    expect(exitCode).toBe(6)
    expect(stdout).toContain('missed mood minExpectedRoute 1: nothing to measure, 0 rows')
    expect(stderr).toContain('1 of 2 bars missed')
  })

  it.each([
    [['eval', 'absent.jsonl'], 'absent.jsonl'],
    [['eval', '--task', 'mod'], 'mod'],
    [['eval', '--parallel', '0'], '--parallel 0 is not a whole number from 1 to 64'],
    [['eval', '--stage', 'live'], '--stage live is not known'],
    [['eval', '--resume'], '--resume needs --out'],
    [['eval', 'stray.jsonl'], 'Row line 1 names it'],
  ])('says what is wrong with %j', async (args, message) => {
    writeFileSync(join(box.folder, 'stray.jsonl'), '{"input":"a","task":"nope"}')
    const { exitCode, stdout, stderr } = await box.run(args)
    expect(exitCode).not.toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
    expect(existsSync(join(box.folder, 'undefined'))).toBe(false)
  })
})
