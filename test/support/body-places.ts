/** Markers of private data, and every place of a request that takes text, in three dialects. For tests of what leaves. */

/** Of five kinds; `core` is what must be found nowhere. None of them is anybody's. */
export const PATTERNS = {
  provider_key: (n: number) => `sk-ant-api03-${'Qx7'.repeat(8)}${pad(n)}${'kZ9'.repeat(4)}`,
  github_token: (n: number) => `ghp_${'aB3dE6gH9jK2mN5pQ8sT'}${pad(n)}${'uV1wX4yZ7cA1'}`,
  email: (n: number) => `marker.${pad(n)}@mail-of-somebody.com`,
  card: (n: number) => withCheckDigit(`411111${pad(n)}00000`),
  iban: (n: number) => ibanOf(`37040044053201${pad(n)}`),
} as const
export type Pattern = keyof typeof PATTERNS

function pad(n: number): string {
  return String(n).padStart(4, '0')
}

/** Luhn. */
function withCheckDigit(digits: string): string {
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}

/** A German one: the check digits of ISO 13616. */
function ibanOf(account: string): string {
  const check = 98n - (BigInt(`${account}131400`) % 97n)
  return `DE${String(check).padStart(2, '0')}${account}`
}

export type Body = Readonly<Record<string, unknown>>
export const say = (content: unknown) => [{ role: 'user', content }]
const USER = { role: 'user', content: 'Please go on.' }
const toolWith = (change: Body) => [{ type: 'function', function: { name: 'look_up', ...change } }]
const callWith = (call: Body, called: Body) => [
  { role: 'user', content: 'Look it up.' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{}', ...called }, ...call },
    ],
  },
  { role: 'tool', tool_call_id: call.id ?? 'call_1', content: 'found' },
]
const schemaOf = (schema: Body, more: Body = {}) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, ...more } },
})

/** What a body with the marker in a place looks like. */
export type Places = Readonly<Record<string, (marker: string) => Body>>

export const CHAT_PLACES: Places = {
  'user text': (m) => ({ messages: say(`My note: ${m}`) }),
  'system text': (m) => ({ messages: [{ role: 'system', content: `Note: ${m}` }, USER] }),
  'developer text': (m) => ({ messages: [{ role: 'developer', content: `Note: ${m}` }, USER] }),
  'assistant text': (m) => ({ messages: [USER, { role: 'assistant', content: `Note: ${m}` }, USER] }),
  'tool result': (m) => ({
    messages: callWith({}, {}).map((one) => (one.role === 'tool' ? { ...one, content: m } : one)),
  }),
  'text part': (m) => ({ messages: say([{ type: 'text', text: `Note: ${m}` }]) }),
  'second text part': (m) => ({
    messages: say([
      { type: 'text', text: 'First.' },
      { type: 'text', text: `Note: ${m}` },
    ]),
  }),
  'tool result part': (m) => ({
    messages: callWith({}, {}).map((one) =>
      one.role === 'tool' ? { ...one, content: [{ type: 'text', text: m }] } : one,
    ),
  }),
  'name of a speaker': (m) => ({ messages: [{ ...USER, name: m }] }),
  'arguments of a call': (m) => ({ messages: callWith({}, { arguments: JSON.stringify({ note: m }) }) }),
  'name of a called tool': (m) => ({ messages: callWith({}, { name: m }) }),
  'id of a call': (m) => ({ messages: callWith({ id: m }, {}) }),
  'unknown field of a message': (m) => ({ messages: [{ ...USER, note: m }] }),
  'unknown field of a part': (m) => ({ messages: say([{ type: 'text', text: 'Hi.', note: m }]) }),
  'refusal of the assistant': (m) => ({ messages: [USER, { role: 'assistant', content: 'No.', refusal: m }, USER] }),
  'address of an image': (m) => ({
    messages: say([
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: `https://images.example/a.png?note=${encodeURIComponent(m)}` } },
    ]),
  }),
  'name of a file': (m) => ({
    messages: say([
      { type: 'text', text: 'Read.' },
      { type: 'file', file: { filename: m, file_id: 'f1' } },
    ]),
  }),
  'transcript of a sound': (m) => ({
    messages: say([
      { type: 'text', text: 'Hear.' },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' }, transcript: m },
    ]),
  }),
  'name of a tool': (m) => ({
    messages: [USER],
    tools: [{ type: 'function', function: { name: m } }],
  }),
  'description of a tool': (m) => ({ messages: [USER], tools: toolWith({ description: `For ${m}` }) }),
  'description of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { type: 'string', description: m } } } }),
  }),
  'choices of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { enum: ['x', m] } } } }),
  }),
  'default of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { a: { type: 'string', default: m } } } }),
  }),
  'name of a parameter': (m) => ({
    messages: [USER],
    tools: toolWith({ parameters: { type: 'object', properties: { [m]: {} } } }),
  }),
  'schema of the answer': (m) => ({
    messages: [USER],
    ...schemaOf({ type: 'object', properties: { a: { type: 'string', description: m } } }),
  }),
  'description of the schema': (m) => ({ messages: [USER], ...schemaOf({ type: 'object' }, { description: m }) }),
  'stop text': (m) => ({ messages: [USER], stop: [m] }),
  'field user': (m) => ({ messages: [USER], user: m }),
  'field metadata': (m) => ({ messages: [USER], metadata: { note: m } }),
  prediction: (m) => ({ messages: [USER], prediction: { type: 'content', content: m } }),
  'unknown field': (m) => ({ messages: [USER], vendor_options: { deep: [{ note: m }] } }),
  'thoughts of the assistant': (m) => ({
    messages: [USER, { role: 'assistant', content: 'Yes.', reasoning_content: m }, USER],
  }),
  'older functions': (m) => ({
    messages: [USER],
    functions: [{ name: 'f', description: m, parameters: { type: 'object', properties: {} } }],
  }),
  'grammar of a tool': (m) => ({
    messages: [USER],
    tools: [
      {
        type: 'custom',
        custom: { name: 'g', format: { type: 'grammar', grammar: { syntax: 'lark', definition: `start: "${m}"` } } },
      },
    ],
  }),
  'file that is text': (m) => ({
    messages: say([{ type: 'file', file: { filename: 'a.txt', file_data: dataOf(`Note: ${m}`) } }]),
  }),
  'file without a type': (m) => ({ messages: say([{ type: 'file', file: { file_data: base64(longNote(m)) } }]) }),
  'file that is a document': (m) => ({
    messages: say([{ type: 'file', file: { file_data: `data:application/pdf;base64,${base64(pdfWith(m))}` } }]),
  }),
  'sound that is text': (m) => ({
    messages: say([{ type: 'input_audio', input_audio: { data: base64(longNote(m)), format: 'wav' } }]),
  }),
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function dataOf(text: string): string {
  return `data:text/plain;base64,${base64(text)}`
}

/** Longer than anything that is decoded as a note. */
function longNote(marker: string): string {
  return `${'The minutes of a meeting, word for word. '.repeat(150)}\n${marker}\nThe end.`
}

/** With one stream that is not packed, and bytes that are no text. */
function pdfWith(marker: string): string {
  const text = `BT /F1 12 Tf 72 720 Td (Note: ${marker}) Tj ET`
  return [
    '%PDF-1.4\n%\u00e2\u00e3\u0001\u0002',
    `4 0 obj\n<< /Length ${text.length} >>\nstream\n${text}\nendstream\nendobj`,
    'xref\n0 2\n0000000000 65535 f \n0000000017 00000 n \ntrailer\n<< /Size 2 >>\n%%EOF',
  ].join('\n')
}

const ASKED = { role: 'user', content: 'Please go on.' }
const ownTool = (change: Body) => [{ name: 'look_up', input_schema: { type: 'object', properties: {} }, ...change }]
const used = (use: Body, result: Body = {}) => [
  { role: 'user', content: 'Look it up.' },
  { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look_up', input: {}, ...use }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id ?? 'toolu_1', content: 'found', ...result }] },
]
const documentOf = (source: Body, more: Body = {}) => ({
  messages: say([
    { type: 'document', source, ...more },
    { type: 'text', text: 'Read.' },
  ]),
})

/** Bodies of `/v1/messages`. */
export const MESSAGES_PLACES: Places = {
  'user text': (m) => ({ messages: say(`My note: ${m}`) }),
  'text block': (m) => ({ messages: say([{ type: 'text', text: `Note: ${m}` }]) }),
  'system text': (m) => ({ system: `Note: ${m}`, messages: [ASKED] }),
  'system block': (m) => ({ system: [{ type: 'text', text: `Note: ${m}` }], messages: [ASKED] }),
  'assistant text': (m) => ({ messages: [ASKED, { role: 'assistant', content: `Note: ${m}` }, ASKED] }),
  thoughts: (m) => ({
    messages: [
      ASKED,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: `Note: ${m}`, signature: 'x'.repeat(80) },
          { type: 'text', text: 'Yes.' },
        ],
      },
      ASKED,
    ],
  }),
  'input of a tool': (m) => ({ messages: used({ input: { note: m } }) }),
  'name in the input of a tool': (m) => ({ messages: used({ input: { [m]: 1 } }) }),
  'name of a called tool': (m) => ({ messages: used({ name: m }) }),
  'id of a call': (m) => ({ messages: used({ id: m }) }),
  'result of a tool': (m) => ({ messages: used({}, { content: `Note: ${m}` }) }),
  'block of a result': (m) => ({ messages: used({}, { content: [{ type: 'text', text: m }] }) }),
  'result of a search': (m) => ({
    messages: say([
      { type: 'search_result', source: 'https://a.example', title: m, content: [{ type: 'text', text: 'a' }] },
    ]),
  }),
  'block of a later kind': (m) => ({
    messages: say([
      { type: 'text', text: 'Hi.' },
      { type: 'later', note: m },
    ]),
  }),
  'address of an image': (m) => ({
    messages: say([
      { type: 'image', source: { type: 'url', url: `https://images.example/a?note=${encodeURIComponent(m)}` } },
    ]),
  }),
  'document of text': (m) => documentOf({ type: 'text', media_type: 'text/plain', data: `Note: ${m}` }),
  'document in base64': (m) => documentOf({ type: 'base64', media_type: 'text/plain', data: base64(`Note: ${m}`) }),
  'long document in base64': (m) => documentOf({ type: 'base64', media_type: 'text/csv', data: base64(longNote(m)) }),
  'document that is a PDF': (m) =>
    documentOf({ type: 'base64', media_type: 'application/pdf', data: base64(pdfWith(m)) }),
  'image that is text': (m) => ({
    messages: say([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64(longNote(m)) } }]),
  }),
  'title of a document': (m) =>
    documentOf({ type: 'base64', media_type: 'application/pdf', data: base64(pdfWith('nothing')) }, { title: m }),
  'description of a tool': (m) => ({ messages: [ASKED], tools: ownTool({ description: `For ${m}` }) }),
  'choices of a parameter': (m) => ({
    messages: [ASKED],
    tools: ownTool({ input_schema: { type: 'object', properties: { a: { enum: ['x', m] } } } }),
  }),
  'default of a parameter': (m) => ({
    messages: [ASKED],
    tools: ownTool({ input_schema: { type: 'object', properties: { a: { type: 'string', default: m } } } }),
  }),
  'name of a parameter': (m) => ({
    messages: [ASKED],
    tools: ownTool({ input_schema: { type: 'object', properties: { [m]: {} } } }),
  }),
  'schema of the answer': (m) => ({
    messages: [ASKED],
    output_config: { format: { type: 'json_schema', schema: { type: 'object', description: m, properties: {} } } },
  }),
  'stop text': (m) => ({ messages: [ASKED], stop_sequences: [m] }),
  'field metadata': (m) => ({ messages: [ASKED], metadata: { user_id: m } }),
  'unknown field': (m) => ({ messages: [ASKED], vendor_options: { deep: [{ note: m }] } }),
}

const item = (change: Body) => ({ role: 'user', content: [{ type: 'input_text', text: 'Please go on.' }], ...change })

/** Bodies of `/v1/responses`. */
export const RESPONSES_PLACES: Places = {
  input: (m) => ({ input: `Note: ${m}` }),
  'input text': (m) => ({ input: [item({ content: [{ type: 'input_text', text: `Note: ${m}` }] })] }),
  instructions: (m) => ({ instructions: `Note: ${m}`, input: 'Please go on.' }),
  'text of the assistant': (m) => ({
    input: [item({}), { role: 'assistant', content: [{ type: 'output_text', text: m }] }, item({})],
  }),
  'arguments of a call': (m) => ({
    input: [
      item({}),
      { type: 'function_call', call_id: 'c1', name: 'look_up', arguments: JSON.stringify({ note: m }) },
      { type: 'function_call_output', call_id: 'c1', output: 'found' },
    ],
  }),
  'output of a call': (m) => ({
    input: [
      item({}),
      { type: 'function_call', call_id: 'c1', name: 'look_up', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: m },
    ],
  }),
  'id of a call': (m) => ({
    input: [
      item({}),
      { type: 'function_call', call_id: m, name: 'look_up', arguments: '{}' },
      { type: 'function_call_output', call_id: m, output: 'found' },
    ],
  }),
  'file that is text': (m) => ({
    input: [item({ content: [{ type: 'input_file', filename: 'a.txt', file_data: dataOf(`Note: ${m}`) }] })],
  }),
  'name of a file': (m) => ({
    input: [item({ content: [{ type: 'input_file', filename: m, file_data: dataOf('Nothing stands in it.') }] })],
  }),
  'address of an image': (m) => ({
    input: [
      item({
        content: [{ type: 'input_image', image_url: `https://images.example/a?note=${encodeURIComponent(m)}` }],
      }),
    ],
  }),
  'description of a tool': (m) => ({
    input: 'Please go on.',
    tools: [{ type: 'function', name: 'look_up', description: m, parameters: { type: 'object', properties: {} } }],
  }),
  'choices of a parameter': (m) => ({
    input: 'Please go on.',
    tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: { a: { enum: ['x', m] } } } }],
  }),
  'schema of the answer': (m) => ({
    input: 'Please go on.',
    text: {
      format: { type: 'json_schema', name: 'x', schema: { type: 'object', description: m, properties: {} } },
    },
  }),
  'field user': (m) => ({ input: 'Please go on.', user: m }),
  'field metadata': (m) => ({ input: 'Please go on.', metadata: { note: m } }),
  'unknown field': (m) => ({ input: 'Please go on.', vendor_options: { deep: [{ note: m }] } }),
}

/** Text with what its runs of base64 say behind it: files are written so. */
export function withDecoded(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/]{24,}={0,2}/g) ?? []
  return [text, ...runs.map((run) => Buffer.from(run, 'base64').toString('latin1'))].join('\n')
}
