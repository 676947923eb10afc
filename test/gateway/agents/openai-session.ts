/** What an agent of the OpenAI dialect sends in one session, in the form of the public API; written for these tests. */

export const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'read_file',
      description: 'Reads a file.',
      parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    },
  },
  {
    type: 'function',
    function: {
      name: 'run_tests',
      description: 'Runs the tests.',
      parameters: { type: 'object', properties: { filter: { type: 'string' } } },
    },
  },
]

export const CALLS = {
  read: { id: 'call_8fK2pQ', name: 'read_file', arguments: '{"path":"src/parser.ts"}' },
  test: { id: 'call_Zr41mB', name: 'run_tests', arguments: '{"filter":"parser"}' },
  again: { id: 'call_c0Nn7d', name: 'run_tests', arguments: '{}' },
} as const

type Call = (typeof CALLS)[keyof typeof CALLS]

const called = ({ id, ...call }: Call) => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: call }],
})
const result = ({ id }: Call, content: string) => ({ role: 'tool', tool_call_id: id, content })

const SYSTEM = { role: 'system', content: 'You are a careful assistant for a small code base.' }
export const QUESTION = { role: 'user', content: 'Why is the parser slow?' }
const FILE = result(CALLS.read, 'export function parse(text: string) { return text.split("") }')
/** Long, and about several files: it would be complex work if a person asked it. */
const TESTS = result(
  CALLS.test,
  'Refactor the orchestration across multiple files, then debug each step. 3 passed, 1 slow.',
)
const ANSWERED = { role: 'assistant', content: 'It copies the text once a character. Shall I show how to avoid that?' }

const TESTED = [SYSTEM, QUESTION, called(CALLS.read), FILE, called(CALLS.test), TESTS] as const

/** One turn of a person with two calls of tools, a bare leave to go on with one more, and a new question. */
export const REQUESTS = {
  question: [SYSTEM, QUESTION],
  afterRead: [SYSTEM, QUESTION, called(CALLS.read), FILE],
  afterTests: TESTED,
  goAhead: [...TESTED, ANSWERED, { role: 'user', content: 'Ja, mach bitte weiter.' }],
  newQuestion: [...TESTED, ANSWERED, { role: 'user', content: 'What does a lexer do?' }],
} as const

/** The request after the first call, with another result of the tool. */
export function afterReadOf(content: string): readonly object[] {
  return [SYSTEM, QUESTION, called(CALLS.read), result(CALLS.read, content)]
}
