import { describe, expect, it } from 'vitest'
import { leavingTexts, type Sent } from '../../src/classify/leaving.ts'

const say = (content: string): Pick<Sent, 'messages'> => ({ messages: [{ role: 'user', content }] })
const textsOf = (sent: Sent) => leavingTexts(sent).map(({ text }) => text)

describe('what leaves with a request', () => {
  it('is each of its texts once, whatever field of the body it stands in', () => {
    const tools = [{ name: 'f', parameters: { properties: { 'Odd name': { enum: ['One thing', 4111111111111111] } } } }]
    const body = { messages: [{ role: 'user', content: 'Hi there' }], user: 'Some One', deep: [{ er: ['Deep down'] }] }
    const sent = { ...say('Hi there'), tools, stop: ['End here'], wire: { dialect: 'openai_chat' as const, body } }
    expect(textsOf(sent).toSorted()).toEqual(
      ['Hi there', 'Odd name', 'One thing', '4111111111111111', 'Some One', 'Deep down', 'End here'].toSorted(),
    )
  })

  it('is read with and without the escapes of JSON where a tool is called', () => {
    const call = { id: 'c', name: 'f', arguments: '{"a":"x\\u0040y"}' }
    expect(leavingTexts({ messages: [{ role: 'assistant', content: '', toolCalls: [call] }] })).toEqual([
      { text: call.arguments, writing: 'text' },
      { text: call.arguments, writing: 'json' },
    ])
  })

  it('is what an address says, and what a file says, and no bytes', () => {
    const image = `data:image/png;base64,${Buffer.alloc(900, 3).toString('base64')}`
    const file = `data:text/plain;base64,${Buffer.from('What the file says.').toString('base64')}`
    const wire = { dialect: 'openai_chat' as const, body: { messages: [], a: 'https://a.example/%41b', file, image } }
    const texts = textsOf({ messages: [], wire })
    expect(texts).toContain('https://a.example/Ab')
    expect(texts).toContain('What the file says.')
    expect(texts).not.toContain(image)
  })

  it('is every block of a body in the Messages dialect, but for what a provider sealed', () => {
    const content = [
      { type: 'thinking', thinking: 'A thought', signature: Buffer.alloc(90, 200).toString('base64') },
      { type: 'tool_use', id: 't', name: 'f', input: { a: 'Input' } },
    ]
    const body = { system: 'Be kind', messages: [{ role: 'assistant', content }], metadata: { user_id: 'Some One' } }
    expect(textsOf({ messages: [], wire: { dialect: 'anthropic_messages', body } }).toSorted()).toEqual(
      ['Be kind', 'A thought', '{"a":"Input"}', 'Some One'].toSorted(),
    )
  })
})
