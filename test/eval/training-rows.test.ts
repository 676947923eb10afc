import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trainingRows } from '../../src/eval/training-rows.ts'
import { loadPolicyFile } from '../../src/stores/policy-file.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'

const EXAMPLES = ['red', 'blue'].flatMap((label) =>
  [1, 2, 3].map((index) => ({ text: `a ${label} thing ${index}`, label })),
)
const POLICY = `
tasks:
  colour:
    kind: choice
    labels: [red, blue]
    description: Which colour is it?
    head: { examples: colours.jsonl }
    prompt: { shots: [{ input: a red thing 1, output: red }, { input: the sky, output: blue }] }
  bare: {}
`

let folder = ''
let box: Sandbox
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-rows-'))
  writeFileSync(join(folder, 'colours.jsonl'), EXAMPLES.map((row) => JSON.stringify(row)).join('\n'))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  box = sandbox()
})
afterAll(async () => {
  await box.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the rows for training', () => {
  it('are the examples of head and prompt with the instruction of the task, each once', () => {
    const rows = trainingRows('colour', loadPolicyFile(join(folder, 'policy.yaml'), {}))
    expect(rows).toHaveLength(7)
    expect(rows.at(-1)).toEqual({
      messages: [
        { role: 'system', content: 'Which colour is it?' },
        { role: 'user', content: 'the sky' },
        { role: 'assistant', content: 'blue' },
      ],
    })
    expect(trainingRows('bare', loadPolicyFile(join(folder, 'policy.yaml'), {}))).toEqual([])
  })
})

describe('eval export', () => {
  const policy = () => ['--policy', join(folder, 'policy.yaml')]

  it('prints JSON Lines, or writes a private file', async () => {
    const printed = await box.run(['eval', 'export', '--format', 'sft', '--task', 'colour', ...policy()])
    expect(printed.exitCode).toBe(0)
    const lines = printed.stdout.trim().split('\n')
    expect(lines).toHaveLength(7)
    expect(JSON.parse(lines[0] ?? '')).toHaveProperty('messages')
    const out = join(folder, 'rows.jsonl')
    const written = await box.run(['eval', 'export', '--task', 'colour', '--out', out, '--json', ...policy()])
    expect(JSON.parse(written.stdout)).toEqual({ rows: 7, format: 'sft', file: out })
    expect(readFileSync(out, 'utf8').trim().split('\n')).toEqual(lines)
    expect(statSync(out).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['an unknown format', ['--format', 'csv'], 2, '--format csv is not known'],
    ['an unknown task', ['--task', 'gone'], 2, 'gone'],
    ['a task without examples', ['--task', 'bare'], 1, 'labelled row'],
    ['a folder that does not exist', ['--task', 'colour', '--out', '/nowhere/x'], 2, 'cannot be written'],
  ])('refuses %s', async (_, args, status, message) => {
    const result = await box.run(['eval', 'export', ...args, ...policy()])
    expect(result.stderr).toContain(message)
    expect(result.exitCode).toBe(status)
  })
})
