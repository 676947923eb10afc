/** What a policy may say of stop checks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { loadPolicyFile, validatePolicy } from '../../src/stores/policy-file.ts'

type Task = NonNullable<PolicyInput['tasks']>[string]

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-stop-check-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(name: string, texts: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, texts.map((text) => JSON.stringify({ text })).join('\n'))
  return path
}

describe('a policy with a stop check', () => {
  const policy = (task: Task, more: PolicyInput['tasks'] = {}) => ({
    tasks: {
      chat: task,
      risky: { kind: 'boolean' as const },
      label: { kind: 'choice' as const, labels: ['a', 'b'] },
      ...more,
    },
  })
  const check = (question: string) => ({ stopCheck: { task: question, kind: 'access' as const } })
  const refusal = (input: unknown): string => {
    try {
      validatePolicy(input, { file: join(folder, 'p.yaml'), env: {} })
    } catch (error) {
      return `${(error as Error).message} ${(error as { fix?: string }).fix}`
    }
    return 'accepted'
  }

  it.each([
    [policy(check('riski')), 'there is no task riski. Did you mean risky?'],
    [policy(check('label')), 'label is of kind choice. Tasks of kind boolean: risky.'],
    [policy({ kind: 'boolean', ...check('chat') }), 'a task cannot be its own question.'],
    [policy({ pattern: 'direct', ...check('risky') }), 'pattern direct passes answers on unchecked.'],
    [policy(check('far'), { far: { kind: 'boolean', local: false } }), 'far has local: false, so nobody can be asked.'],
    [{ tasks: { chat: check('x') } }, 'there is no task x. Add a task of kind boolean.'],
    [policy({ stopCheck: { task: 'risky', kind: 'access', harmless: 'gone.jsonl' } }), 'gone.jsonl cannot be read.'],
  ])('that cannot work is refused with the fix: %j', (input, problem) => {
    expect(refusal(input)).toContain(problem)
  })

  it('names the line of the harmless texts that is none', () => {
    writeFileSync(join(folder, 'bad.jsonl'), '{"text": "a"}\n\n{"txt": "b"}\n')
    writeFileSync(
      join(folder, 'p.yaml'),
      'tasks:\n  chat:\n    stopCheck: { task: risky, kind: access, harmless: bad.jsonl }\n  risky: { kind: boolean }\n',
    )
    expect(() => loadPolicyFile(join(folder, 'p.yaml'), {})).toThrow(
      /tasks\.chat\.stopCheck\.harmless \(line 3:\d+\): line 3 of /,
    )
    fileOf(
      'many.jsonl',
      Array.from({ length: 1001 }, (_, at) => `text ${at}`),
    )
    const { problem, fix } = { problem: 'holds 1001 texts', fix: 'Keep at most 1000.' }
    expect(refusal(policy({ stopCheck: { task: 'risky', kind: 'access', harmless: 'many.jsonl' } }))).toMatch(
      new RegExp(`${problem}.*${fix}`),
    )
  })

  it('has another digest with other harmless texts', () => {
    const digest = () =>
      validatePolicy(policy({ stopCheck: { task: 'risky', kind: 'access', harmless: 'own.jsonl' } }), {
        file: join(folder, 'p.yaml'),
        env: {},
      }).digest
    fileOf('own.jsonl', ['a'])
    const before = digest()
    expect(digest()).toBe(before)
    fileOf('own.jsonl', ['b'])
    expect(digest()).not.toBe(before)
  })
})
