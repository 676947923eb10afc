/** Request bodies that nobody means: broken, huge, deep, of wrong types, and some that are right. The same for a seed. */
import { randomFrom } from '../../src/learn/random.ts'
import { doorBody } from './doors.ts'

export interface FuzzBody {
  /** How it was made, for reports. */
  readonly kind: string
  /** Where it goes; `/v1/chat/completions` when absent. */
  readonly path?: string
  readonly bytes: Buffer
}

export type Random = () => number

/** @param seed of all that is drawn */
export function* fuzzBodies(seed: number, count: number): Generator<FuzzBody> {
  const random = randomFrom(seed)
  for (let index = 0; index < count; index++) {
    // Large ones are rare, as they are in the wild, and every kind of them comes.
    if (index % 100 === 0) yield largeBody(random, index / 100)
    else if (index % 100 === 50) yield doorBody(random, true)
    else yield index % 2 ? smallBody(random) : doorBody(random, false)
  }
}

function smallBody(random: Random): FuzzBody {
  const text = JSON.stringify(chatBody(random))
  const draw = random()
  if (draw < 0.15) return { kind: 'valid', bytes: Buffer.from(text) }
  if (draw < 0.5) return { kind: 'field', bytes: Buffer.from(JSON.stringify(withWrongField(random))) }
  if (draw < 0.75) return { kind: 'bytes', bytes: mutated(Buffer.from(text), random) }
  if (draw < 0.9) return { kind: 'splice', bytes: Buffer.from(spliced(text, random)) }
  return { kind: 'noise', bytes: noise(random, Math.floor(random() * 300)) }
}

const MB = 1024 * 1024
const user = (content: unknown): object => ({ model: 'auto', messages: [{ role: 'user', content }] })
const body = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** Each takes the work of one stage to its end: parsing, checking, reading, detecting. */
const LARGE: readonly { readonly kind: string; readonly make: (random: Random) => Buffer }[] = [
  { kind: 'long text', make: (random) => body(user(words(random, MB * (0.2 + random())))) },
  { kind: 'one letter', make: (random) => body(user('a'.repeat(MB * (1 + 7 * random())))) },
  { kind: 'digits', make: (random) => body(user('4111 '.repeat(MB * 0.2 * random()))) },
  { kind: 'at signs', make: (random) => body(user('a@'.repeat(MB * 0.3 * random()))) },
  { kind: 'dots', make: (random) => body(user('1.1.'.repeat(MB * 0.2 * random()))) },
  { kind: 'brackets', make: (random) => Buffer.from('['.repeat(MB * random())) },
  { kind: 'deep', make: (random) => Buffer.from(nested(100 + Math.floor(200 * random()))) },
  { kind: 'many messages', make: (random) => body({ model: 'auto', messages: turns(random, 20_000 * random()) }) },
  { kind: 'many parts', make: (random) => body(user(Array.from({ length: 20_000 * random() }, textPart))) },
  { kind: 'many keys', make: (random) => body({ ...user('hi'), ...manyKeys(random, 50_000) }) },
  { kind: 'long key', make: (random) => body({ ...user('hi'), [words(random, MB * random())]: 1 }) },
  {
    kind: 'long number',
    make: (random) => Buffer.from(`{"model":"auto","messages":[],"seed":${'9'.repeat(MB * random())}}`),
  },
  {
    kind: 'escapes',
    make: (random) =>
      Buffer.from(`{"model":"auto","messages":[{"role":"user","content":"${'\\u0041'.repeat(MB * 0.3 * random())}"}]}`),
  },
  { kind: 'spaces', make: (random) => Buffer.from(`{${' '.repeat(MB * 4 * random())}"model":"auto"}`) },
  { kind: 'open text', make: (random) => Buffer.from(`{"model":"${'x'.repeat(MB * 2 * random())}`) },
  { kind: 'tool input', make: (random) => body(toolInput(random)) },
  { kind: 'further field', make: (random) => body({ ...user('hi'), extra: words(random, MB * random()) }) },
  { kind: 'tools', make: (random) => body({ ...user('hi'), tools: tools(random) }) },
  {
    kind: 'schema',
    make: (random) =>
      body({
        ...user('hi'),
        response_format: { type: 'json_schema', json_schema: { name: 's', schema: wideSchema(random) } },
      }),
  },
  {
    kind: 'image',
    make: (random) =>
      body(
        user([
          {
            type: 'image_url',
            image_url: { url: `data:image/png;base64,${'A'.repeat(4 * Math.floor(MB * random()))}` },
          },
        ]),
      ),
  },
  { kind: 'too large', make: () => body(user('x'.repeat(11 * MB))) },
  { kind: 'invisible', make: (random) => body(user('\u200b\u202e\u0301'.repeat(MB * 0.1 * random()))) },
  { kind: 'base64', make: (random) => body(user(noise(random, MB * 0.5 * random()).toString('base64'))) },
]

/** What agents send back: a call that writes a file, and its result. */
function toolInput(random: Random): object {
  const call = { name: 'write', arguments: JSON.stringify({ text: words(random, MB * random()) }) }
  return {
    model: 'auto',
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: call }] },
      { role: 'tool', tool_call_id: 'c', content: words(random, MB * 0.2 * random()) },
    ],
  }
}

function largeBody(random: Random, turn: number): FuzzBody {
  const { kind, make } = LARGE[turn % LARGE.length] ?? LARGE[0] ?? { kind: 'none', make: () => Buffer.alloc(0) }
  return { kind, bytes: make(random) }
}

const WORDS =
  'the build failed because npm could not find a module 401 token password@host.example +49 30 1234567 deploy DE89370400440532013000 \u00e4\u00f6 \u6c34 \ud83d\ude00 {"a":1} [x](y) <b>'.split(
    ' ',
  )

export function words(random: Random, chars: number): string {
  const parts: string[] = []
  for (let length = 0; length < chars; length += 6) parts.push(pick(random, WORDS))
  return parts.join(' ')
}

function chatBody(random: Random): Record<string, unknown> {
  return {
    model: pick(random, ['auto', 'local', 'frontier', 'chat', 'gpt-4', 'x'.repeat(40)]),
    messages: turns(random, 1 + 4 * random()),
    ...(random() < 0.3 && { stream: true }),
    ...(random() < 0.2 && { temperature: random() * 2 }),
    ...(random() < 0.2 && { max_tokens: 1 + Math.floor(random() * 500) }),
    ...(random() < 0.1 && { tools: tools(random).slice(0, 2) }),
    ...(random() < 0.1 && { response_format: { type: 'json_object' } }),
    ...(random() < 0.1 && { stop: ['end'] }),
    ...(random() < 0.1 && { metadata: { task: pick(random, ['chat', 'label', 'none']), note: words(random, 30) } }),
  }
}

function turns(random: Random, count: number): object[] {
  return Array.from({ length: Math.max(1, count) }, () => ({
    role: pick(random, ['user', 'user', 'assistant', 'system']),
    content: random() < 0.8 ? words(random, 60 * random()) : [textPart()],
  }))
}

function textPart(): object {
  return { type: 'text', text: 'part' }
}

function tools(random: Random): object[] {
  return Array.from({ length: 128 * random() }, (_, index) => ({
    type: 'function',
    function: { name: `tool_${index}`, description: words(random, 200), parameters: wideSchema(random, 20) },
  }))
}

function wideSchema(random: Random, width = 2000 * random()): object {
  const properties = Object.fromEntries(
    Array.from({ length: width }, (_, index) => [`p${index}`, { type: 'string', pattern: '^(a+)+$' }]),
  )
  return { type: 'object', properties }
}

function manyKeys(random: Random, most: number): object {
  return Object.fromEntries(Array.from({ length: most * random() }, (_, index) => [`k${index}`, index]))
}

function nested(depth: number): string {
  return `{"model":"auto","messages":[{"role":"user","content":${'['.repeat(depth)}${']'.repeat(depth)}}]}`
}

export const WRONG: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  1.5,
  '',
  'x',
  '\u0000',
  '\ud800',
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  '__proto__',
  'constructor',
  '9'.repeat(400),
  ['a', 1],
]
const FIELDS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'response_format',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'n',
  'seed',
  'stop',
  'logprobs',
  'logit_bias',
  'modalities',
  'functions',
  'web_search_options',
  'metadata',
  'user',
  '__proto__',
  'constructor',
]
const INNER = ['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'refusal']

function withWrongField(random: Random): object {
  const whole = chatBody(random)
  const messages = [...(whole.messages as object[])]
  const wrong = random() < 0.8 ? pick(random, WRONG) : { [pick(random, FIELDS)]: pick(random, WRONG) }
  if (random() < 0.4) {
    messages[0] = { ...messages[0], [pick(random, INNER)]: wrong }
    return { ...whole, messages }
  }
  return { ...whole, [pick(random, FIELDS)]: wrong }
}

/** One to eight bytes changed, taken out or put in. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let result = bytes
  for (let turn = 0; turn < 1 + 7 * random(); turn++) {
    const at = Math.floor(random() * result.length)
    const value = Buffer.from([Math.floor(random() * 256)])
    const cut = random() < 0.6 ? at + 1 : at
    result = Buffer.concat([result.subarray(0, at), ...(random() < 0.7 ? [value] : []), result.subarray(cut)])
  }
  return result
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u',
  '\\ud800',
  '\u0000',
  '\ufeff',
  'NaN',
  'Infinity',
  '1e999',
  '-',
  '/*',
  '\n\n',
  '{"model":',
]

export function spliced(text: string, random: Random): string {
  const from = Math.floor(random() * text.length)
  const to = from + Math.floor(random() * 20)
  return text.slice(0, from) + pick(random, PIECES) + (random() < 0.3 ? '' : text.slice(to))
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}
