import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyChecks } from '../../src/cli/doctor-verify.ts'
import { sandboxObstacle } from '../../src/models/check-sandbox.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

const read = (keys: string) =>
  parsePolicy(
    `models:\n  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }\ntasks:\n  write: { local: small, ${keys} }\n`,
    { file: join(import.meta.dirname, 'p.yaml'), env: {} },
  )

function refusal(keys: string): string {
  try {
    read(keys)
  } catch (error) {
    if (error instanceof RouterError) return `${error.message} ${error.fix}`
    throw error
  }
  return 'accepted'
}

describe('the task key verify', () => {
  it.each([
    ['verify: {}', 'nothing is checked'],
    ['verify: { matches: ["(a"] }', 'Unterminated group'],
    ['verify: { lacks: ["ok", "[z-a]"] }', 'lacks'],
    ['verify: { parses: python }', 'parses'],
    ['verify: { command: { run: [] } }', 'run'],
    ['verify: { command: { run: "rm -rf /" } }', 'run'],
    ['verify: { command: { run: [node], file: ../answer.js } }', 'is not a plain path'],
    ['verify: { command: { run: [node], file: /etc/passwd } }', 'is not a plain path'],
    ['verify: { command: { run: [node], folder: no-such-folder } }', 'there is no folder no-such-folder'],
    ['verify: { command: { run: [node], timeout: soon } }', 'is not a duration'],
    ['verify: { command: { run: [node], env: { A: b } } }', 'unknown key env'],
    ['verify: { matches: [a] }, pattern: direct', 'passes answers on unchecked'],
  ])('is refused as %s', (keys, problem) => {
    expect(refusal(keys)).toContain(problem)
  })

  it('is off without its keys, and has limits where a command is named', () => {
    expect(read('kind: code').policy.tasks.write?.verify).toBeUndefined()
    expect(read('verify: { command: { run: [node], folder: ../stores } }').policy.tasks.write?.verify?.command).toEqual(
      {
        run: ['node'],
        file: 'answer',
        folder: '../stores',
        timeout: 10_000,
        memoryMb: 512,
        maxOutputBytes: 65_536,
        isolation: 'preferred',
      },
    )
  })
})

describe('doctor', () => {
  it('says whether commands can be shut in, and nothing when no task has one', () => {
    expect(verifyChecks(read('kind: code'))).toEqual([])
    const [found] = verifyChecks(read('verify: { command: { run: [node], isolation: required } }'))
    expect(found?.state).toBe(sandboxObstacle() === null ? 'ok' : 'fail')
    expect(found).toMatchObject({ name: 'verify' })
  })
})
