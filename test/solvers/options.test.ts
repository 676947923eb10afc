import { describe, expect, it } from 'vitest'
import { solve } from '../../src/solvers/solvers.ts'

function answerTo(question: string): string | null {
  return solve(question)?.answer ?? null
}

describe('a question with options', () => {
  it.each([
    ['letters in brackets', 'What is 3 + 4?\n(A) 6\n(B) 7\n(C) 8', 'B'],
    ['letters with points and a cue', 'What is 3 + 4?\nA. 6\nB. 7\nAnswer:', 'B'],
    ['a heading', 'What is 3 + 4?\nOptions:\nA) 6\nB) 7.0', 'B'],
    ['figures', 'What is 3 + 4?\n1) 6\n2) 7', '2'],
    ['one line', 'What is 3 + 4? (a) 6 (b) 7', 'b'],
    ['no labels', 'What day of the week was July 4, 1776?\n- Monday\n- Thursday', 'Thursday'],
    ['dates', 'Today is 2/28/2024. What is the date tomorrow in MM/DD/YYYY?\nA. 02/29/2024\nB. 03/01/2024', 'A'],
    ['thousands', 'How many m are in 3 km?\nA. 300\nB. 3,000', 'B'],
  ])('is answered in its own form: %s', (_form, question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['no option says the answer', 'What is 3 + 4?\nA. 6\nB. 8'],
    ['two options say it', 'What is 3 + 4?\nA. 7\nB. 7.0'],
    ['a line is no option', 'What is 3 + 4?\nA. 6\nB. 7\nMind the sign of the first one.'],
    ['labels are out of order', 'What is 3 + 4?\nA. 6\nC. 7'],
    ['there is one option', 'What is 3 + 4?\nA. 7'],
    ['the question itself was not read', 'What is the number of apples?\nA. 6\nB. 7'],
  ])('is declined when %s', (_why, question) => {
    expect(answerTo(question)).toBeNull()
  })

  it('says which option the answer is', () => {
    expect(solve('What is 3 + 4?\nA. 6\nB. 7')?.steps).toEqual(['3 + 4 = 7', '7 is option B'])
  })

  it.each(['What is 3 + 4? Answer with only the number.', 'What is 3 + 4? Reply with just the result.'])(
    'takes a wish for what is given anyway: %j',
    (question) => {
      expect(answerTo(question)).toBe('7')
    },
  )

  it('takes no other wishes', () => {
    expect(answerTo('What is 3 + 4? Answer in French.')).toBeNull()
  })
})
