/** What a coding agent sends in one session, in the form of its public protocol; written for these tests. */

export const AGENT_HEADERS = {
  'anthropic-version': '2023-06-01',
  'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14',
  'anthropic-dangerous-direct-browser-access': 'true',
  'user-agent': 'claude-cli/2.1.0 (external, cli)',
  'x-app': 'cli',
  'x-stainless-lang': 'js',
  'x-stainless-retry-count': '0',
}

const CACHED = { cache_control: { type: 'ephemeral' } }
export const SIGNATURE =
  'ErUBCkYIBxgCIkDw3p0u8m8Zk1cV0Gm1m5q6n8sTzYxWvUtSrQpOnMlKjIhGfEdCbAzYxWvUtSrQpOnMlKjIhGfEdCbAEgwxMjM0NTY3ODkwYWI='

const SYSTEM = [
  { type: 'text', text: 'You are a coding agent.', ...CACHED },
  { type: 'text', text: '# Tone\nBe concise.\n\n# Environment\nWorking directory: /project', ...CACHED },
]

const TOOLS = [
  {
    name: 'Read',
    description: 'Reads a file.',
    input_schema: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { file_path: { type: 'string' }, limit: { type: 'number' } },
      required: ['file_path'],
      additionalProperties: false,
    },
  },
  {
    name: 'Bash',
    description: 'Runs a command.',
    input_schema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
  },
]

const REMINDER = { type: 'text', text: '<system-reminder>\nThe task list is empty.\n</system-reminder>' }
const ASKED = { role: 'user', content: [REMINDER, { type: 'text', text: 'Why does the parser test fail?' }] }
const LOOKED = {
  role: 'assistant',
  content: [
    { type: 'thinking', thinking: 'Two files say it.', signature: SIGNATURE },
    { type: 'text', text: 'I look at both files.' },
    { type: 'tool_use', id: 'toolu_01Aa', name: 'Read', input: { file_path: '/project/parser.ts' } },
    { type: 'tool_use', id: 'toolu_01Bb', name: 'Bash', input: { command: 'npm test' } },
  ],
}
const RESULTS = {
  role: 'user',
  content: [
    { type: 'tool_result', tool_use_id: 'toolu_01Aa', content: [{ type: 'text', text: '     1→export const x = 1' }] },
    { type: 'tool_result', tool_use_id: 'toolu_01Bb', content: 'Exit code 1\n1 failing', is_error: true, ...CACHED },
  ],
}
const TRIED = {
  role: 'assistant',
  content: [
    { type: 'redacted_thinking', data: SIGNATURE },
    { type: 'tool_use', id: 'toolu_01Cc', name: 'Read', input: { file_path: '/project/a.ts', limit: 20 } },
  ],
}
const STOPPED = {
  role: 'user',
  content: [
    {
      type: 'tool_result',
      tool_use_id: 'toolu_01Cc',
      content: "The user doesn't want to proceed with this tool use.",
      is_error: true,
    },
    { type: 'text', text: '[Request interrupted by user for tool use]' },
    { type: 'text', text: 'Look at the lexer instead.', ...CACHED },
  ],
}

const MAIN = {
  model: 'claude-sonnet-4-6',
  max_tokens: 32_000,
  system: SYSTEM,
  tools: TOOLS,
  metadata: { user_id: 'user_0123456789abcdef_account__session_6f2c3f0e-2c0f-4a53-9d0c-3f5a8f0f7a11' },
  thinking: { type: 'enabled', budget_tokens: 31_999 },
  temperature: 1,
  stream: true,
}

/** The requests of one session in order: a title on the side, then turn after turn, each with all that was said before. */
export const SESSION = [
  {
    model: 'claude-haiku-4-5',
    max_tokens: 512,
    system: [{ type: 'text', text: 'Name the topic of the message as JSON.' }],
    messages: [{ role: 'user', content: 'Why does the parser test fail?' }],
    temperature: 0,
    metadata: MAIN.metadata,
    stream: true,
  },
  { ...MAIN, messages: [ASKED] },
  { ...MAIN, messages: [ASKED, LOOKED, RESULTS] },
  { ...MAIN, messages: [ASKED, LOOKED, RESULTS, TRIED, STOPPED] },
] as const

/** What it asks before it sends so much. */
export const COUNTED = {
  model: MAIN.model,
  system: SYSTEM,
  tools: TOOLS,
  messages: [ASKED, LOOKED, RESULTS],
  thinking: MAIN.thinking,
}
