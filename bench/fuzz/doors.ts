/** The doors beside `/v1/chat/completions`, with what each takes. A right body is drawn, then spoilt in one place. */

import { type FuzzBody, mutated, pick, type Random, spliced, WRONG, words } from './bodies.ts'

interface Door {
  readonly path: string
  readonly body: (random: Random, text: string) => Readonly<Record<string, unknown>>
}

const tool = {
  name: 'look',
  description: 'looks something up',
  input_schema: { type: 'object', properties: { q: {} } },
}
const question = { type: 'predicate', name: 'q', instructions: 'Is it about a door?' }

const DOORS: readonly Door[] = [
  {
    path: '/v1/messages',
    body: (random, text) => ({
      model: pick(random, ['auto', 'claude-x', 'local']),
      max_tokens: 100,
      system: pick(random, ['Be short.', [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral' } }]]),
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'look', input: { q: text } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: text }] },
      ],
      tools: [tool],
      tool_choice: { type: 'auto' },
      thinking: pick(random, [{ type: 'disabled' }, { type: 'enabled', budget_tokens: 1024 }]),
      metadata: { user_id: 'u' },
      stop_sequences: ['end'],
      stream: random() < 0.3,
    }),
  },
  {
    path: '/v1/messages/count_tokens',
    body: (_random, text) => ({
      model: 'auto',
      system: 's',
      messages: [{ role: 'user', content: text }],
      tools: [tool],
    }),
  },
  {
    path: '/v1/responses',
    body: (random, text) => ({
      model: 'auto',
      instructions: 'Be short.',
      input: pick(random, [
        text,
        [
          { role: 'user', content: [{ type: 'input_text', text }] },
          { type: 'function_call', call_id: 'c', name: 'look', arguments: '{"q":1}' },
          { type: 'function_call_output', call_id: 'c', output: text },
        ],
      ]),
      tools: [{ type: 'function', name: 'look', parameters: tool.input_schema, strict: false }],
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low' },
      previous_response_id: pick(random, [undefined, 'resp_none']),
      store: random() < 0.2,
      stream: random() < 0.3,
    }),
  },
  {
    path: '/v1/completions',
    body: (random, text) => ({
      model: 'auto',
      prompt: pick(random, [text, [text], [1, 2, 3]]),
      suffix: pick(random, [undefined, text]),
      max_tokens: 20,
      stream: random() < 0.3,
      stop: ['end'],
    }),
  },
  {
    path: '/v1/embeddings',
    body: (random, text) => ({
      model: 'auto',
      input: pick(random, [text, [text, 'second'], [1, 2, 3]]),
      encoding_format: pick(random, ['float', 'base64']),
      dimensions: 8,
    }),
  },
  {
    path: '/v1/decisions',
    body: (_random, text) => ({
      model: 'auto',
      input: [{ role: 'user', content: [{ type: 'input_text', text }] }],
      questions: [
        question,
        { type: 'choice', instructions: text, choices: [{ value: 'a' }, { value: 'b', description: text }] },
        { type: 'score', instructions: 'How much?', levels: [{ label: 'little' }, { label: 'much' }] },
      ],
    }),
  },
  {
    path: '/v1/rerank',
    body: (_random, text) => ({ model: 'auto', query: text, documents: [text, { text: 'other' }], top_n: 1 }),
  },
  {
    path: '/v1/feedback',
    body: (random, text) => ({ requestId: `req_${words(random, 10)}`, isCorrect: random() < 0.5, note: text }),
  },
  {
    path: '/v1/batches',
    body: (random, text) => ({
      input_file_id: `file-${text}`,
      endpoint: pick(random, ['/v1/chat/completions', '/v1/embeddings']),
      completion_window: '24h',
      metadata: { note: text },
    }),
  },
  { path: '/v1/files', body: (_random, text) => ({ purpose: 'batch', file: text }) },
  { path: '/spillway/v1/kill', body: (_random, text) => ({ mode: 'none', why: text }) },
  { path: '/spillway/v1/held/none/refuse', body: (_random, text) => ({ by: 'me', why: text }) },
]

const LARGE_CHARS = 1024 * 1024

/** @param isLarge with up to a megabyte of text in each of its places */
export function doorBody(random: Random, isLarge: boolean): FuzzBody {
  const { path, body } = pick(random, DOORS)
  const right = body(random, words(random, isLarge ? LARGE_CHARS * random() : 60 * random()))
  const text = JSON.stringify(right)
  const draw = random()
  const made = (kind: string, bytes: string | Buffer): FuzzBody => ({
    ...{ path, kind: `${kind} at ${path}` },
    bytes: Buffer.from(bytes),
  })
  if (isLarge) return made('large', text)
  if (draw < 0.2) return made('valid', text)
  if (draw < 0.7) return made('field', JSON.stringify(spoilt(right, random)))
  if (draw < 0.85) return made('bytes', mutated(Buffer.from(text), random))
  return made('splice', spliced(text, random))
}

/** The same value with one place at any depth taken out, or another value in it. */
function spoilt(value: unknown, random: Random): unknown {
  const isOpen = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!isOpen || random() < 0.1) return pick(random, WRONG)
  const entries = Object.entries(value)
  const [key] = pick(random, entries)
  if (random() < 0.1)
    return rebuilt(
      value,
      entries.filter(([name]) => name !== key),
    )
  return rebuilt(
    value,
    entries.map(([name, inner]) => [name, name === key ? spoilt(inner, random) : inner]),
  )
}

function rebuilt(value: object, entries: readonly (readonly [string, unknown])[]): unknown {
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}
