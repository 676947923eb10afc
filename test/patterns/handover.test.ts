import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { windowsOf } from '../../src/patterns/handover.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

describe('windowsOf', () => {
  it('loses nothing, keeps the size, and makes at most twice as many windows as are needed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 4000 }), fc.integer({ min: 10, max: 500 }), (text, chars) => {
        const windows = windowsOf(text, chars)
        expect(windows.join('')).toBe(text)
        expect(windows.every((window) => window.length > 0 && window.length <= chars)).toBe(true)
        expect(windows.length).toBeLessThanOrEqual(Math.ceil((2 * text.length) / chars))
      }),
    )
  })

  it('cuts at the end of a line, else of a word', () => {
    expect(windowsOf('one line\ntwo lines\nthree', 12)).toEqual(['one line\n', 'two lines\n', 'three'])
    expect(windowsOf('longest words', 10)).toEqual(['longest ', 'words'])
  })
})

const refusal = (task: string): string => {
  const text = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
  coder: { provider: ollama, model: q, tier: local_quality }
  sonnet: { provider: openai, model: b, tier: frontier }
tasks:
  ask: ${task}
  label: { kind: boolean }
  search: { kind: text }
`
  try {
    parsePolicy(text, { file: 'p.yaml', env: {} })
  } catch (error) {
    if (error instanceof RouterError) return `${error.message} ${error.fix}`
    throw error
  }
  return 'accepted'
}

describe('options of a specialist', () => {
  it.each([
    ['{ pattern: { specialist: { by: sonet } } }', 'there is no model sonet'],
    ['{ local: small, pattern: { specialist: { bySpeciality: { code: coder } } } }', 'Name coder under local, too.'],
    ['{ frontier: false, pattern: { specialist: { by: sonnet } } }', 'sonnet is not a frontier of this task'],
    ['{ pattern: { specialist: { by: self } } }', 'there is no model self'],
    ['{ pattern: { specialist: { bySpeciality: { sound: sonnet } } } }', 'sound'],
    ['{ pattern: { specialist: { on: [] } } }', 'on'],
    ['{ pattern: { specialist: { context: summary, subtask: serch } } }', 'Did you mean search?'],
    ['{ pattern: { specialist: { context: summary, subtask: label } } }', 'label is of kind boolean'],
    ['{ pattern: { specialist: { subtask: search } } }', 'Set context: summary.'],
    ['{ kind: boolean, pattern: specialist }', 'is read from the model'],
  ])('refuses %s', (task, problem) => {
    expect(refusal(task)).toContain(problem)
  })

  it('accepts models of the task, by name and by tier', () => {
    expect(refusal('{ pattern: { specialist: { by: coder, bySpeciality: { maths: sonnet } } } }')).toBe('accepted')
    expect(refusal('{ local: [local_quality], pattern: { specialist: { by: coder } } }')).toBe('accepted')
    expect(refusal('{ pattern: { specialist: { context: scratchpad, subtask: search } } }')).toBe('accepted')
  })
})
