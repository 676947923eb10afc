import { describe, expect, it } from 'vitest'
import type { GateInput } from '../../src/gates/gate.ts'
import { verifyEdits } from '../../src/gates/verify-edits.ts'

const SOURCE = ['export function add(a, b) {', '  return a - b', '}', '', 'export const two = add(1, 1)'].join('\n')

function verdictOn(text: string, source = `Mend this file:\n\n${SOURCE}\n`) {
  return verifyEdits({
    answer: { text, toolCalls: [] },
    task: { verify: { edits: true } },
    request: { messages: [{ role: 'user', content: source }] },
  } as unknown as GateInput)
}

const DIFF = [
  '```diff',
  '--- a/add.js',
  '+++ b/add.js',
  '@@ -1,3 +1,3 @@',
  ' export function add(a, b) {',
  '-  return a - b',
  '+  return a + b',
  ' }',
  '```',
].join('\n')
const REPLACEMENT = ['<<<<<<< SEARCH', '  return a - b', '=======', '  return a + b', '>>>>>>> REPLACE'].join('\n')

describe('the gate verify_edits', () => {
  it.each([
    ['a unified diff whose lines stand in the request', DIFF],
    ['the same with other line ends', DIFF.replaceAll('\n', '\r\n')],
    ['a search-and-replace edit', REPLACEMENT],
    ['a new file', '--- /dev/null\n+++ b/x.js\n@@ -0,0 +1,2 @@\n+const a = 1\n+const b = 2\n'],
    ['a hunk of one line', '@@ -2 +2 @@\n-  return a - b\n+  return a + b'],
  ])('accepts %s', (_, text) => expect(verdictOn(text)).toMatchObject({ accepted: true, score: 1, threshold: 1 }))

  it.each([
    ['no edit at all', 'Change the minus to a plus.'],
    ['a line that is not there', DIFF.replace('-  return a - b', '-  return a * b')],
    ['kept lines in another order', DIFF.replace(' export function add(a, b) {', ' }')],
    ['fewer lines than the header says', DIFF.replace('-1,3 +1,3', '-1,4 +1,4')],
    ['a piece of a line', REPLACEMENT.replace('  return a - b\n=', 'return a - b\n=')],
    ['an edit without its end', REPLACEMENT.replace('>>>>>>> REPLACE', '')],
    ['one good edit and a bad one', `${DIFF}\n${REPLACEMENT.replace('a - b', 'b - a')}`],
  ])('rejects %s', (_, text) => expect(verdictOn(text)).toMatchObject({ accepted: false, reason: 'check_failed' }))

  it('rejects what could be replaced in two places', () => {
    const text = ['<<<<<<< SEARCH', '}', '=======', '};', '>>>>>>> REPLACE'].join('\n')
    expect(verdictOn(text).accepted).toBe(true)
    expect(verdictOn(text, `${SOURCE}\nfunction b() {\n}\n`).accepted).toBe(false)
  })

  it('never takes an edit from what the model itself said before', () => {
    const request = {
      messages: [
        { role: 'user', content: 'Write it.' },
        { role: 'assistant', content: SOURCE },
        { role: 'user', content: 'Mend it.' },
      ],
    }
    const input = { answer: { text: DIFF, toolCalls: [] }, task: { verify: { edits: true } }, request }
    expect(verifyEdits(input as unknown as GateInput).accepted).toBe(false)
  })
})
