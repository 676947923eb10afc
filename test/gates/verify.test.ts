import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeIn } from '../../src/gates/answer-code.ts'
import type { GateInput } from '../../src/gates/gate.ts'
import { gatesFor } from '../../src/gates/gates.ts'
import { verifyCitations } from '../../src/gates/verify-citations.ts'
import { verifyCode } from '../../src/gates/verify-code.ts'
import { verifyCommand } from '../../src/gates/verify-command.ts'
import { verifyText } from '../../src/gates/verify-text.ts'
import type { CheckResult } from '../../src/spec/check-run.ts'
import { DEFAULT_TASK } from '../../src/spec/policy.ts'
import { verifySchema } from '../../src/spec/policy-verify.ts'

const input = (text: string, verify: Parameters<typeof verifySchema.parse>[0], asked = 'A question?'): GateInput => ({
  answer: {
    text,
    toolCalls: [],
    finishReason: 'stop',
    usage: { inputTokens: 1, outputTokens: 1, source: 'estimated' },
    signals: null,
    raw: null,
  },
  task: { ...DEFAULT_TASK, verify: verifySchema.parse(verify) },
  taskName: 'task',
  request: { messages: [{ role: 'user', content: asked }] },
  option: null,
  findHardStops: () => [],
  checkEquations: () => ({ checked: 0, wrong: 0 }),
})

describe('verify_text', () => {
  it.each([
    ['ABC-123', { matches: ['^[A-Z]{3}-\\d{3}$'] }, true],
    ['ABC-12', { matches: ['^[A-Z]{3}-\\d{3}$'] }, false],
    ['as an AI model', { lacks: ['(?i:as an ai)'] }, false],
    ['yes', { matches: ['yes'], lacks: ['no'] }, true],
    ['yes and no', { matches: ['yes'], lacks: ['no'] }, false],
  ])('reads %j', (text, verify, accepted) => {
    const verdict = verifyText(input(text, verify))
    expect(verdict.accepted).toBe(accepted)
    if (!accepted) expect(verdict.reason).toBe('check_failed')
    expect(verdict.detail).not.toContain(text)
  })
})

describe('verify_code', () => {
  it.each([
    ['javascript', 'export const a = async () => { await import("x") }', true],
    ['javascript', 'const a: number = 1', false],
    ['javascript', 'const a = (', false],
    ['typescript', 'type A = { b: number }\nconst a: A = { b: 1 }', true],
    ['typescript', 'enum Colour { red }', true],
    ['typescript', 'const a: = 1', false],
    ['json', '{"a": [1, 2]}', true],
    ['json', "{'a': 1}", false],
    ['yaml', 'a: [1, 2]\nb: { c: d }', true],
    ['yaml', 'a: [1, 2', false],
    ['yaml', 'a: 1\na: 2', false],
  ] as const)('says of %s %j: %s', (parses, code, accepted) => {
    expect(verifyCode(input(code, { parses })).accepted).toBe(accepted)
    expect(verifyCode(input(`Here it is:\n\`\`\`${parses}\n${code}\n\`\`\`\nDone.`, { parses })).accepted).toBe(
      accepted,
    )
  })

  it('reads every block, and rejects an answer without code', () => {
    const two = '```\nconst a = 1\n```\nand\n```\nconst b = (\n```'
    expect(verifyCode(input(two, { parses: 'javascript' }))).toMatchObject({
      accepted: false,
      detail: 'Code block 2 of 2 does not parse as javascript.',
    })
    expect(verifyCode(input('```\n```', { parses: 'json' })).accepted).toBe(false)
    expect(verifyCode(input('x'.repeat(200_001), { parses: 'yaml' })).detail).toContain('was not read')
  })

  it('runs nothing', () => {
    const code = 'globalThis.verifyCodeRan = true; process.exit(1)'
    expect(verifyCode(input(code, { parses: 'javascript' })).accepted).toBe(true)
    expect(Object.hasOwn(globalThis, 'verifyCodeRan')).toBe(false)
  })

  it('finds the blocks of any answer, and loses no line of them', () => {
    const line = fc.stringMatching(/^[a-z ]{0,10}$/)
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), (blocks) => {
        const text = blocks.map((lines) => ['```js', ...lines, '```'].join('\n')).join('\nprose\n')
        expect(codeIn(text)).toEqual(blocks.map((lines) => lines.join('\n')))
      }),
    )
    expect(codeIn('no block')).toEqual(['no block'])
    expect(codeIn('````md\n```\ninner\n```\n````')).toEqual(['```\ninner\n```'])
    expect(codeIn('```\nopen to the end')).toEqual(['open to the end'])
  })
})

describe('verify_citations', () => {
  const source =
    'The lease ends on 31 March 2027.\nEither party may give notice of three months.\n\nWhen does the lease end?'

  it.each([
    ['It ends in March: “The lease ends on 31 March 2027”.', true],
    ['It says "the lease  ends on 31 march 2027."', true],
    ['> Either party may give notice\n\nSo three months.', true],
    ['As written: "Either party … three months"', true],
    ['It says "The lease ends on 31 March 2028".', false],
    ['It says "Either party may give […] of six months".', false],
    ['It ends in March.', false],
    ['The "lease" ends.', false],
    ['It says "When does the lease end?"', false],
  ])('says of %j: %s', (text, accepted) => {
    expect(verifyCitations(input(text, { citations: {} }, source)).accepted).toBe(accepted)
  })

  it('reads the named fields of a JSON answer, in lists as well', () => {
    const citations = { fields: ['evidence.quote'] }
    const answer = (quote: string) => JSON.stringify({ end: 2027, evidence: [{ quote: 'three months' }, { quote }] })
    expect(verifyCitations(input(answer('31 March 2027'), { citations }, source)).accepted).toBe(true)
    expect(verifyCitations(input(answer('1 April 2027'), { citations }, source))).toMatchObject({
      accepted: false,
      reason: 'check_failed',
      score: 1,
    })
    expect(verifyCitations(input('{}', { citations }, source)).accepted).toBe(false)
  })

  it('accepts any passage of the source, whatever its spaces and marks', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 12, max: 70 }), (from, length) => {
        const passage = source.slice(from, Math.min(from + length, 78)).replace(/\n/g, ' ')
        fc.pre(/\w+\W+\w+\W+\w+/.test(passage))
        expect(verifyCitations(input(`“${passage}”`, { citations: {} }, source)).accepted).toBe(true)
      }),
    )
  })
})

describe('verify_command', () => {
  const judged = (check?: CheckResult) =>
    verifyCommand({ ...input('x', { command: { run: ['true'] } }), opinions: { score: null, ...(check && { check }) } })

  it('accepts exit code 0 and nothing else', () => {
    expect(judged({ state: 'exited', exitCode: 0, isolated: true })).toMatchObject({ accepted: true })
    expect(judged({ state: 'exited', exitCode: 1, isolated: false })).toMatchObject({
      reason: 'check_failed',
      score: 1,
    })
    expect(judged({ state: 'stopped', why: 'time', isolated: true })).toMatchObject({ reason: 'check_failed' })
  })

  it('accepts nothing when the command was not run', () => {
    expect(judged({ state: 'not_run', why: 'tsc is not an executable on PATH' })).toMatchObject({
      reason: 'signal_unavailable',
      detail: 'The command was not run: tsc is not an executable on PATH.',
    })
    expect(judged()).toMatchObject({ accepted: false, reason: 'signal_unavailable' })
  })
})

it('runs no check that the task does not set', () => {
  const names = (verify?: GateInput['task']['verify']) =>
    gatesFor({ ...DEFAULT_TASK, verify }, { messages: [] }).flatMap(({ name }) =>
      name.startsWith('verify') ? name : [],
    )
  expect(names()).toEqual([])
  expect(
    names(verifySchema.parse({ matches: ['a'], parses: 'json', citations: {}, command: { run: ['true'] } })),
  ).toEqual(['verify_text', 'verify_code', 'verify_citations', 'verify_command'])
})
