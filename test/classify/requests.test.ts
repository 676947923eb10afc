import { describe, expect, it } from 'vitest'
import { asksForCodeChange } from '../../src/classify/code-change.ts'
import { complexityOfText } from '../../src/classify/complexity.ts'
import { excerptForDecision } from '../../src/classify/excerpt.ts'
import { matchesGlob } from '../../src/classify/glob.ts'
import { tierFor } from '../../src/route/complexity.ts'
import { policySchema } from '../../src/spec/policy.ts'

describe('asksForCodeChange', () => {
  it.each([
    'Fix this function so that it handles null.',
    'Generate a Python function to parse JSON',
    'Please write a patch for the login handler.',
    'Can you refactor this module?',
    'Implement the retry logic in src/retry.ts',
    'Apply this diff:\n```diff\n- a\n+ b\n```',
    'Here is the log:\n```\nerror: x\n```\nFix the failing test.',
    'Write unit tests for the parser',
    'Rename the variable `foo` to `bar`',
    'make the tests pass',
    'Add a null check in config.py',
    'Schreibe eine Funktion, die JSON liest',
    'Convert this class to TypeScript and update the imports',
  ])('fires on: %s', (text) => {
    expect(asksForCodeChange(text)).toBe(true)
  })

  it.each([
    'What does this function do?',
    'Why does the build fail?',
    'Summarize this diff in one sentence.',
    'Write a commit message for this diff',
    'Explain how the parser handles errors',
    'Extract topic from: Implemented async caching',
    'npm error Fix the upstream dependency conflict, or retry this command with --force',
    'error[E0502]: cannot borrow `x`\nhelp: consider changing this function to take a reference',
    '[ERROR] Failed to execute goal: fix the errors in src/main/java/App.java',
    'Which test should I run next after changing src/retry.ts?',
    'Classify this log: build failed because the patch did not apply',
    'Write a summary of this function',
    'Write a poem about spring',
    'Add 3 and 4',
    'How would you change the world?',
  ])('does not fire on: %s', (text) => {
    expect(asksForCodeChange(text)).toBe(false)
  })
})

describe('complexityOfText', () => {
  it.each([
    ['Extract topic from: Implemented async caching', 'simple'],
    ['Extract topic from: Debugged the service architecture', 'simple'],
    ['Sort each item onto exactly one of four desks.\n1. a\n2. b\n3. c\n4. d', 'simple'],
    ['Is this mail spam? Answer yes or no.', 'simple'],
    ['Classify the ticket as one of the following: bug, question', 'simple'],
    ['Generate a Python function to parse JSON', 'moderate'],
    ['Summarise these meeting notes in five sentences', 'moderate'],
    ['First read the file, then change the title.', 'moderate'],
    ['Debug why the worker hangs', 'complex'],
    ['Refactor the error handling across all modules', 'complex'],
    ['Orchestrate the release of three services', 'complex'],
    ['1. read\n2. plan\n3. write\n4. test', 'complex'],
  ] as const)('reads %j as %s', (text, complexity) => {
    expect(complexityOfText({ text, hasTools: false })).toBe(complexity)
  })
})

describe('tierFor', () => {
  const shipped = policySchema.parse({})
  const frontierFirst = policySchema.parse({ routing: { preferLocal: false } })
  it.each([
    ['simple', 'classify_memory', shipped, 'local_fast'],
    ['moderate', 'edit_file', shipped, 'local_quality'],
    ['moderate', 'edit_file', frontierFirst, 'frontier'],
    ['complex', null, shipped, 'frontier'],
    ['simple', 'spawn_daemon', shipped, 'frontier'],
    ['complex', 'orch_status', shipped, 'local_fast'],
    ['simple', 'constructor', shipped, 'local_fast'],
  ] as const)('sends %s work of %s to the right tier', (complexity, action, policy, tier) => {
    expect(tierFor({ complexity, action, policy })).toBe(tier)
  })
})

describe('matchesGlob', () => {
  it.each([
    ['clients/a/b.ts', 'clients/**', true],
    ['clients', 'clients/**', true],
    ['/clients/a', 'clients/**', true],
    ['my/clients/a', 'clients/**', false],
    ['my/clients/a', '**/clients/**', true],
    ['notes/a.md', 'notes/*.md', true],
    ['notes/b/a.md', 'notes/*.md', false],
    ['a1.txt', 'a?.txt', true],
    ['a.txt', 'a?.txt', false],
    ['x/y/z/hr/q.pdf', '**/hr/*.pdf', true],
  ])('%s against %s is %s', (file, glob, matches) => {
    expect(matchesGlob(file, glob)).toBe(matches)
  })
})

describe('excerptForDecision', () => {
  const noise = Array.from({ length: 400 }, (_, index) => `12:00:${10 + (index % 50)} Downloading part ${index}`)
  const log = [
    ...noise,
    '12:01:00 \u001b[31merror: cannot find symbol\u001b[0m',
    '  symbol: method total()',
    ...noise,
    'Build finished',
    'exit code 1',
  ].join('\n')

  it('passes short texts unchanged', () => {
    expect(excerptForDecision('12:00:00 \u001b[31mok', 100)).toBe('12:00:00 \u001b[31mok')
  })

  it('keeps the signal, the line after it and the tail, in order and within the space', () => {
    const excerpt = excerptForDecision(log, 400)
    expect(excerpt.length).toBeLessThanOrEqual(400)
    expect(excerpt).toMatch(
      /^Downloading part 0\n…\nerror: cannot find symbol\n {2}symbol: method total\(\)\n…\n[\s\S]*Build finished\nexit code 1$/,
    )
  })

  it('prefers later signal when there is too much', () => {
    const errors = Array.from({ length: 100 }, (_, index) => `error number ${index}`).join('\n')
    const excerpt = excerptForDecision(errors, 200)
    expect(excerpt).toContain('error number 99')
    expect(excerpt).not.toContain('error number 10\n')
  })

  it('cuts one endless line', () => {
    expect(excerptForDecision('x'.repeat(5000), 300).length).toBeLessThanOrEqual(300)
  })
})
