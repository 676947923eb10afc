import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify } from '../../src/classify/features.ts'
import { isGoAhead, readTurn } from '../../src/classify/turn.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { Message } from '../../src/spec/request.ts'

const ASKED: Message = { role: 'user', content: 'Why does the parser test fail?' }
const CALLED: Message = {
  role: 'assistant',
  content: '',
  toolCalls: [{ id: 'call_a1', name: 'read', arguments: '{"path":"a.ts"}' }],
}
const RESULT: Message = {
  role: 'tool',
  content: 'Refactor the whole orchestration across files.',
  toolCallId: 'call_a1',
}
const SAID: Message = { role: 'assistant', content: 'Shall I mend it?' }

describe('a bare go-ahead', () => {
  it.each([
    'yes',
    'Yes, please go ahead and do it.',
    'OK 👍',
    'continue…',
    'LGTM, ship it!',
    'ja, mach bitte weiter',
    'Einverstanden.',
    "D'accord, continuez s'il vous plaît",
    'vas-y',
    'Sí, adelante, por favor',
    'Continúa',
    'va bene, vai avanti, grazie',
    'sim, pode continuar',
    'ga door alsjeblieft',
    'tak, śmiało',
    'kör på, tack',
    'pokračuj prosím',
  ])('is %j', (text) => {
    expect(isGoAhead(text)).toBe(true)
  })

  it.each([
    'yes, but use the other file',
    'no',
    'continue with the second test',
    'thanks',
    'please',
    '',
    '?',
    'stop',
    'yes and delete the table',
    'ja, aber nicht heute',
    'why?',
    'go on '.repeat(30),
  ])('is not %j', (text) => {
    expect(isGoAhead(text)).toBe(false)
  })

  it('is never one with a word of another kind in it', () => {
    const words = fc.array(fc.constantFrom('yes', 'ok', 'go ahead', 'please', 'ja', 'weiter'), { maxLength: 4 })
    const other = fc.constantFrom('deploy', 'parser', 'nicht', 'never', 'only', '42', 'main.ts')
    fc.assert(
      fc.property(words, other, words, (before, word, after) => {
        expect(isGoAhead([...before, word, ...after].join(' '))).toBe(false)
      }),
    )
  })
})

describe('whose turn it is', () => {
  it.each<[string, readonly Message[], string, string]>([
    ['a first question', [ASKED], 'human', 'Why does the parser test fail?'],
    ['a first "yes"', [{ role: 'user', content: 'yes' }], 'human', 'yes'],
    ['a result of a tool', [ASKED, CALLED, RESULT], 'tool_result', 'Why does the parser test fail?'],
    [
      'a result and a note of the agent',
      [ASKED, CALLED, RESULT, { role: 'user', content: '<system-reminder>\nPlan it.\n</system-reminder>' }],
      'tool_result',
      'Why does the parser test fail?',
    ],
    [
      'a result and a word of the person',
      [ASKED, CALLED, RESULT, { role: 'user', content: 'Look at the lexer instead.' }],
      'human',
      'Look at the lexer instead.',
    ],
    [
      'a leave to go on',
      [ASKED, SAID, { role: 'user', content: 'Yes, go on.' }],
      'go_ahead',
      'Why does the parser test fail?',
    ],
    [
      'a result after a leave to go on',
      [ASKED, SAID, { role: 'user', content: 'yes' }, CALLED, RESULT],
      'tool_result',
      'Why does the parser test fail?',
    ],
    [
      'a question with a note of the agent',
      [{ role: 'user', content: `<system-reminder>Refactor everything.</system-reminder>\n${ASKED.content}` }],
      'human',
      'Why does the parser test fail?',
    ],
    ['instructions alone', [{ role: 'system', content: 'Be brief.' }], 'human', 'Be brief.'],
  ])('is told for %s', (_what, messages, turn, text) => {
    expect(readTurn(messages)).toEqual({ turn, text })
  })

  it('gives all requests of a tool loop the task and complexity of the question', () => {
    const policy = policySchema.parse({
      tasks: { tests: { match: { words: ['test'] } }, plans: { match: { words: ['orchestration'] } } },
    })
    const read = (messages: readonly Message[]) => {
      const { task, complexity, wantsCodeChange } = classify({ request: { messages }, policy, sha256: (text) => text })
      return { task, complexity, wantsCodeChange }
    }
    const first = read([ASKED])
    expect(first.task).toBe('tests')
    expect(read([ASKED, CALLED, RESULT])).toEqual(first)
    expect(read([ASKED, CALLED, RESULT, SAID, { role: 'user', content: 'ok' }])).toEqual(first)
    expect(read([ASKED, SAID, { role: 'user', content: 'Plan the orchestration.' }]).task).toBe('plans')
  })
})
