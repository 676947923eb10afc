import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dialectOf } from '../../src/models/answer-dialects.ts'
import { AnswerSplitter } from '../../src/models/reasoning-filter.ts'

interface Split {
  readonly text: string
  readonly calls: readonly (readonly [string, string])[]
  readonly isInThought: boolean
}

function split(pieces: readonly string[], model = 'some-model', tools: readonly string[] = []): Split {
  const splitter = new AnswerSplitter({ dialect: dialectOf(model), tools })
  const pushed = pieces.flatMap((piece) => splitter.push(piece))
  const end = splitter.end()
  const events = [...pushed, ...end.events]
  return {
    text: events.map((event) => (event.type === 'text' ? event.delta : '')).join(''),
    calls: events.flatMap((event) => (event.type === 'tool_call' ? [[event.call.name, event.call.arguments]] : [])) as [
      string,
      string,
    ][],
    isInThought: end.isInThought,
  }
}

const answerOf = (text: string, model?: string): string => split([text], model).text

describe('reasoning at the start of an answer', () => {
  it.each([
    ['<think>2+2</think>\n\n4', '4'],
    ['\n<think>\nhm\n</think>4', '4'],
    ['<think></think>\n\n<think>more</think> 4', '4'],
    ['<thinking>2+2</thinking>4', '4'],
    ['<thought>2+2</thought>4', '4'],
    ['<reasoning>2+2</reasoning>4', '4'],
    ['[THINK]2+2[/THINK]4', '4'],
    ['<seed:think>2+2</seed:think>4', '4'],
    ['<|channel|>analysis<|message|>2+2<|end|><|start|>assistant<|channel|>final<|message|>4', '4'],
  ])('is taken out of %j', (text, answer) => {
    expect(answerOf(text)).toBe(answer)
  })

  it('is known by the family where the marks are plain words', () => {
    const granite = 'Here is my thought process: 2+2. Here is my response: 4'
    expect(answerOf(granite, 'granite3.2:8b')).toBe('4')
    expect(answerOf(granite, 'llama3.2')).toBe(granite)
    expect(answerOf('analysis2+2 is easyassistantfinal4', 'gpt-oss:20b')).toBe('4')
    expect(answerOf('analysis of the text', 'llama3.2')).toBe('analysis of the text')
  })

  it('ends with the mark of the model when the prompt had opened it', () => {
    expect(answerOf('2+2 is 4.\n</think>\n\n4', 'deepseek-r1:7b')).toBe('4')
    expect(answerOf('<think>2+2</think>4', 'deepseek-r1:7b')).toBe('4')
    expect(split(['2+2 is'], 'qwq:32b')).toEqual({ text: '', calls: [], isInThought: true })
  })

  it('is not looked for when the server sent it in a field of its own', () => {
    const splitter = new AnswerSplitter({ dialect: dialectOf('qwq:32b'), tools: [] })
    splitter.reasoningCameApart()
    expect(splitter.push('4 it is')).toEqual([{ type: 'text', delta: '4 it is' }])
  })

  it('never ended is reported', () => {
    expect(split(['<think>2+2 and then'])).toEqual({ text: '', calls: [], isInThought: true })
  })
})

describe('an answer that writes about such marks', () => {
  it.each([
    'Use <think> and </think> around it.',
    '```xml\n<think>2+2</think>\n```',
    '`<think>` opens the reasoning.',
    '<thin',
    '<',
    '  4 ',
    'The mark <|return|> ends it.',
  ])('stays as it is: %j', (text) => {
    expect(answerOf(text)).toBe(text)
  })
})

describe('a tool call in the text', () => {
  const TOOLS = ['get_weather', 'add']
  const callsOf = (text: string, model?: string) => split([text], model, TOOLS)

  it.each([
    ['Hermes and Qwen', '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>', 'm'],
    ['Llama 3 with its tag', '<|python_tag|>{"name": "add", "parameters": {"a": 1, "b": 2}}', 'm'],
    ['Llama 3 without', '{"name": "add", "parameters": {"a": 1, "b": 2}}', 'm'],
    ['Mistral', '[TOOL_CALLS][{"name": "add", "arguments": {"a": 1, "b": 2}}]', 'm'],
    ['newer Mistral', '[TOOL_CALLS]add[ARGS]{"a": 1, "b": 2}', 'm'],
    ['Granite', '<|tool_call|>[{"name": "add", "arguments": {"a": 1, "b": 2}}]', 'm'],
    [
      'gpt-oss',
      '<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"a": 1, "b": 2}<|call|>',
      'gpt-oss:20b',
    ],
  ])('of %s is told apart', (_family, text, model) => {
    expect(callsOf(text, model)).toEqual({ text: '', calls: [['add', '{"a": 1, "b": 2}']], isInThought: false })
  })

  it('of Qwen 3 Coder keeps the types of its parameters', () => {
    const text =
      '<tool_call>\n<function=get_weather>\n<parameter=city>\nRome\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>'
    expect(callsOf(text).calls).toEqual([['get_weather', '{"city":"Rome","days":3}']])
  })

  it('keeps large numbers as they were written', () => {
    const text = '<tool_call>{"name": "add", "arguments": {"a": 12345678901234567890}}</tool_call>'
    expect(callsOf(text).calls).toEqual([['add', '{"a": 12345678901234567890}']])
  })

  it('may stand behind reasoning and text, and more than once', () => {
    const text =
      '<think>add</think>\nI add.\n<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>\n<tool_call>{"name":"add","arguments":{"a":2}}</tool_call>\n'
    expect(callsOf(text)).toEqual({
      text: 'I add.\n',
      calls: [
        ['add', '{"a":1}'],
        ['add', '{"a":2}'],
      ],
      isInThought: false,
    })
  })

  it.each([
    ['names no offered tool', '<tool_call>{"name":"rm","arguments":{}}</tool_call>'],
    ['is no JSON', '<tool_call>add 1 and 2</tool_call>'],
    ['stands in a code block', '```\n<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>\n```'],
    ['stands in code', 'Write `<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>`.'],
    ['is a JSON answer', '{"name": "Rome", "parameters": 3}'],
  ])('that %s stays text', (_why, text) => {
    expect(callsOf(text)).toEqual({ text, calls: [], isInThought: false })
  })

  it('is not looked for when no tools were offered', () => {
    const text = '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>'
    expect(answerOf(text)).toBe(text)
  })
})

const MARKS = [
  '<think>',
  '</think>',
  '<thinking>',
  '</thinking>',
  '[THINK]',
  '[/THINK]',
  '<tool_call>',
  '</tool_call>',
  '{"name":"add","arguments":{"a":1}}',
  '[TOOL_CALLS]',
  '<|python_tag|>',
  '<|channel|>analysis<|message|>',
  '<|channel|>final<|message|>',
  '<|channel|>commentary to=functions.add<|message|>{}',
  '<|end|>',
  '<|start|>assistant',
  '<|return|>',
  '<|call|>',
  '```',
  '`',
  '\n',
  ' ',
  '<',
  '<t',
  'word',
  'é😀',
  '{',
]

describe('any cutting of a text', () => {
  it.each(['some-model', 'gpt-oss:20b', 'deepseek-r1:8b', 'granite3.3'])('gives what the whole gives (%s)', (model) => {
    const cutText = fc
      .array(fc.oneof(fc.constantFrom(...MARKS), fc.string({ maxLength: 4 })), { maxLength: 12 })
      .map((parts) => parts.join(''))
      .chain((text) =>
        fc.tuple(
          fc.constant(text),
          fc.array(fc.nat({ max: Math.max(0, text.length) }), { maxLength: 12 }),
          fc.boolean(),
        ),
      )
    fc.assert(
      fc.property(cutText, ([text, cuts, hasTools]) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
        const tools = hasTools ? ['add'] : []
        expect(split(pieces, model, tools)).toEqual(split([text], model, tools))
        expect(split([...text], model, tools)).toEqual(split([text], model, tools))
      }),
      { numRuns: 3000 },
    )
  })

  it('gives every text without marks back unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^<[{]*$/), { maxLength: 8 }), (pieces) => {
        expect(split(pieces)).toEqual({ text: pieces.join(''), calls: [], isInThought: false })
      }),
    )
  })
})
