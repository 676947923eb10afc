import { describe, expect, it } from 'vitest'
import { inputBound } from '../../src/route/input-bound.ts'
import { audioBound, fileBound, imageBound } from '../../src/route/media-bound.ts'
import type { RouterRequest } from '../../src/spec/request.ts'

const OPENAI = { provider: 'openai', model: 'gpt-4.1-nano' }
const OTHER = { provider: 'openai', model: 'a-model-of-another-house' }
const CLAUDE = { provider: 'anthropic', model: 'claude-haiku-4-5' }

/** The first bytes of a PNG file say its size. */
function png(width: number, height: number): string {
  const bytes = Buffer.alloc(64)
  bytes.write('\x89PNG\r\n\x1a\n', 0, 'latin1')
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes.toString('base64')
}

describe('the bound of an image', () => {
  it('follows its size where the file tells it, and ends at the most that the model takes', () => {
    expect(imageBound(png(280, 280), undefined, CLAUDE)).toBe(100)
    expect(imageBound(png(4000, 4000), undefined, CLAUDE)).toBe(4784)
    expect(imageBound(png(1024, 1024), undefined, OPENAI)).toBe(2520)
    expect(imageBound(png(4000, 4000), undefined, OPENAI)).toBe(3779)
    expect(imageBound(png(4000, 4000), 'original', OPENAI)).toBe(24_600)
  })

  it('is never below what another model of the same provider takes in tiles', () => {
    expect(imageBound(png(10, 10), undefined, OPENAI)).toBe(1734)
    expect(imageBound(png(10, 10), undefined, OTHER)).toBe(2833 + 5667)
    expect(imageBound(png(1000, 1000), undefined, OTHER)).toBe(2833 + 4 * 5667)
    expect(imageBound(png(3000, 1000), undefined, { ...OPENAI, model: 'gpt-4o-mini' })).toBe(2833 + 8 * 5667)
  })

  it('is the most that there is for one elsewhere, and for one that cannot be read', () => {
    for (const unknown of [null, 'AAAA', png(0, 0)]) {
      expect(imageBound(unknown, undefined, CLAUDE)).toBe(4784)
      expect(imageBound(unknown, undefined, OPENAI)).toBe(3779)
      expect(imageBound(unknown, undefined, OTHER)).toBe(48_169)
    }
  })
})

describe('the bound of a sound and of a file', () => {
  it('is the longest sound that so many bytes can hold', () => {
    const bytes = Buffer.alloc(6000).toString('base64')
    expect(audioBound(bytes, 'mp3')).toBe(192)
    expect(audioBound(bytes, 'wav')).toBe(48)
    expect(audioBound(bytes, 'anything')).toBe(256)
  })

  it('is the bytes of a plain text, and the window for what is packed', () => {
    expect(fileBound(Buffer.alloc(300).toString('base64'), 'text/markdown')).toBe(300)
    expect(fileBound(Buffer.alloc(300).toString('base64'), 'application/pdf')).toBe('window')
  })
})

describe('the bound of an input', () => {
  const bound = (change: Partial<RouterRequest>, counter = CLAUDE) => inputBound({ messages: [], ...change }, counter)
  const anthropic = (body: Record<string, unknown>) =>
    bound({ wire: { dialect: 'anthropic_messages', body, messageCount: 0 } })
  const content = (...blocks: readonly unknown[]) => anthropic({ messages: [{ role: 'user', content: blocks }] })

  it('counts the larger of what the caller wrote and what the router says, and never both', () => {
    const text = 'x'.repeat(1000)
    const messages = [{ role: 'user' as const, content: text }]
    const alone = bound({ messages }).tokens
    const wire = { dialect: 'openai_chat' as const, body: { messages } }
    expect(alone).toBeGreaterThanOrEqual(1500)
    const both = bound({ messages, wire }).tokens
    expect(both).toBeGreaterThanOrEqual(alone)
    expect(both).toBeLessThan(1.2 * alone)
    const ahead = [{ role: 'system' as const, content: text }, ...messages]
    expect(bound({ messages: ahead, wire }).tokens).toBeGreaterThan(both + 1500)
    expect(bound({ messages, wire: { dialect: 'openai_chat', body: { messages: [] } } }).tokens).toBe(
      // Nothing of the caller's is left: what the router says goes out, in front of nothing.
      alone,
    )
  })

  it('reads bytes as an image only where a model sees one', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(90_000) } }
    expect(content(image).tokens).toBeLessThan(6000)
    expect(content({ type: 'tool_result', tool_use_id: 'a', content: [image] }).tokens).toBeLessThan(6000)
    expect(content({ type: 'tool_use', id: 'a', name: 'b', input: image }).tokens).toBeGreaterThan(135_000)
    expect(content({ type: 'text', text: JSON.stringify(image) }).tokens).toBeGreaterThan(135_000)
  })

  it.each([
    ['a document by its id', content({ type: 'document', source: { type: 'file', file_id: 'f' } })],
    ['a document by its address', content({ type: 'document', source: { type: 'url', url: 'https://a.example/b' } })],
    ['a part of type container_upload', content({ type: 'container_upload', file_id: 'f' })],
    [
      'a document that is packed',
      content({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } }),
    ],
    ['previous_response_id', anthropic({ previous_response_id: 'resp_1' })],
    ['prompt', anthropic({ prompt: { id: 'pmpt_1' } })],
    ['a sound by its id', anthropic({ messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] })],
    ['a part of type web_fetch_tool_result', content({ type: 'web_fetch_tool_result', content: { file_id: 'f' } })],
  ])('is a window for %s', (uncounted, found) => {
    expect(found).toMatchObject({ windows: 1, uncounted })
  })

  it('counts a document that stands in the request by its text, and a file only where its data is there', () => {
    const document = (source: object) => content({ type: 'document', title: 'a', source })
    expect(document({ type: 'text', media_type: 'text/plain', data: 'x'.repeat(1000) }).tokens).toBeGreaterThan(1500)
    expect(document({ type: 'content', content: 'x'.repeat(1000) }).tokens).toBeGreaterThan(1500)
    const image = { type: 'image', source: { type: 'file', file_id: 'f' } }
    expect(document({ type: 'content', content: [image] })).toMatchObject({ windows: 0 })
    expect(document({ type: 'base64', media_type: 'text/plain', data: 'A'.repeat(400) })).toMatchObject({ windows: 0 })
    expect(content({ type: 'file', file: { file_data: 'no address of data' } })).toMatchObject({ windows: 1 })
    expect(content({ type: 'file' })).toMatchObject({ windows: 1, uncounted: 'a file by its id' })
    const sound = { data: Buffer.alloc(6000).toString('base64'), format: 'mp3' }
    expect(content({ type: 'input_audio', input_audio: sound })).toMatchObject({ windows: 0 })
    expect(content({ type: 'input_audio', input_audio: {} })).toMatchObject({ windows: 1 })
    expect(content({ type: 'image_url', image_url: 'https://a.example/b.png' }).tokens).toBeGreaterThanOrEqual(4784)
  })

  it('counts calls of tools, numbers and whatever else stands in a message', () => {
    const toolCalls = [{ id: 'a', name: 'look', arguments: 'x'.repeat(1000) }]
    expect(bound({ messages: [{ role: 'assistant', content: '', toolCalls }] }).tokens).toBeGreaterThan(1500)
    expect(
      anthropic({ logit_bias: { 5: 1 }, tools: [{ name: 'a', deep: [{ text: 'x'.repeat(1000) }] }] }).tokens,
    ).toBeGreaterThan(1500)
    expect(content('x'.repeat(1000)).tokens).toBeGreaterThan(1500)
  })

  it('is a window for each step of a tool that the provider runs, and none for tools of the caller', () => {
    const tools = (...own: readonly object[]) => anthropic({ tools: own })
    expect(tools({ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }).windows).toBe(4)
    expect(tools({ type: 'code_execution_20250825', name: 'code_execution' }).windows).toBe(11)
    expect(tools({ name: 'mine', input_schema: {} }, { type: 'bash_20250124', name: 'bash' }).windows).toBe(0)
    expect(anthropic({ mcp_servers: [{ url: 'https://a.example' }] }).windows).toBe(11)
    expect(content({ type: 'web_search_tool_result', content: [{ url: 'https://a.example' }] }).windows).toBe(0)
  })

  it('counts images of a request without a body of its own', () => {
    const url = `data:image/png;base64,${png(280, 280)}`
    const messages = [{ role: 'user' as const, content: [{ type: 'image' as const, url }] }]
    expect(bound({ messages }).tokens).toBeGreaterThanOrEqual(100)
    expect(bound({ messages }).tokens).toBeLessThan(200)
  })
})
