import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createFrameReader } from '../../src/models/server-sent-events.ts'
import { cutBytes } from '../support/scripted-cloud.ts'
import { cutRandomly, seededRandom } from '../support/stream-fuzz.ts'

function framesOf(chunks: readonly Uint8Array[]): readonly (readonly [string | null, string])[] {
  const reader = createFrameReader('big')
  return chunks.flatMap((chunk) => reader.feed(chunk).frames.map(({ event, data }) => [event, data] as const))
}

describe('the frames of an event stream', () => {
  it('join lines of data, carry their event name, and leave comments and unfinished ends out', () => {
    const text = '\ufeff: hi\n\ndata: a\ndata:b\n\nevent: ping\r\ndata: ü\r\n\r\ndata: lost'
    expect(framesOf(cutBytes(text, 1))).toEqual([
      [null, 'a\nb'],
      ['ping', 'ü'],
    ])
  })

  it('count a comment as a sign of life, and half a frame as none', () => {
    const reader = createFrameReader('big')
    expect(reader.feed(Buffer.from('data: ha')).alive).toBe(false)
    expect(reader.feed(Buffer.from('lf\n')).alive).toBe(false)
    expect(reader.feed(Buffer.from(': ping\n')).alive).toBe(true)
    expect(reader.feed(Buffer.from('\n'))).toEqual({ frames: [{ event: null, data: 'half' }], alive: true })
  })

  it('take a frame of 15 MiB and refuse one above 16 MiB, in pieces of 64 KiB [F21]', () => {
    const frame = (mebibytes: number): Uint8Array[] =>
      cutBytes(`data: ${'x'.repeat(mebibytes * 1024 * 1024)}\n\n`, 65_536)
    expect(framesOf(frame(15)).map(([, data]) => data.length)).toEqual([15_728_640])
    expect(() => framesOf(frame(17))).toThrow(
      'Model big sent an answer that breaks its protocol: a frame has more than 16777216 bytes.',
    )
  })

  it.each([
    ['\n <html>', 'the body is a page (HTML or XML), not an event stream'],
    ['{"id":1}', 'the body is plain JSON, not an event stream'],
  ])('are not looked for in %j', (text, problem) => {
    expect(() => framesOf(cutBytes(text, 1))).toThrow(`Model big sent an answer that breaks its protocol: ${problem}.`)
  })
})

const CASES = new URL('../../../shared/data/adversarial/sse_cases.json', import.meta.url)

describe.skipIf(!existsSync(CASES))(
  'the cases of the WHATWG rules (skipped where the shared data folder is absent)',
  () => {
    it('give the same frames in every chunking', () => {
      const { cases } = JSON.parse(readFileSync(CASES, 'utf8')) as {
        readonly cases: readonly {
          readonly name: string
          readonly b64: string
          readonly events: readonly { readonly event: string; readonly data: string }[]
        }[]
      }
      const wrong: string[] = []
      for (const { name, b64, events } of cases) {
        const expected = JSON.stringify(events.map(({ event, data }) => [event, data]))
        const bytes = Buffer.from(b64, 'base64')
        const chunkings: Readonly<Record<string, readonly Uint8Array[]>> = {
          ...Object.fromEntries(
            [100_000, 1, 2, 3, 5, 7].map((size) => [`in pieces of ${size}`, cutBytes(bytes, size)]),
          ),
          ...Object.fromEntries(
            Array.from(bytes.keys(), (at) => [`cut at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]]),
          ),
          ...Object.fromEntries(
            Array.from({ length: 20 }, (_, seed) => [`at random ${seed}`, cutRandomly(bytes, seededRandom(seed))]),
          ),
        }
        for (const [how, pieces] of Object.entries(chunkings)) {
          const found = framesOf(pieces).map(([event, data]) => [event ?? 'message', data])
          if (JSON.stringify(found) !== expected) wrong.push(`${name} ${how}`)
        }
      }
      expect(wrong).toEqual([])
      expect(cases.length).toBeGreaterThan(50)
    })
  },
)
