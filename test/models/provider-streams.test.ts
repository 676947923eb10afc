import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropicFrames, openAiFrames } from '../support/cloud-answers.ts'
import type { Ended } from '../support/model-calls.ts'
import { type KnownStreamRow, nameOf, streamRows } from '../support/provider-streams.ts'
import { cutBytes } from '../support/scripted-cloud.ts'
import { answer, cutRandomly, seededRandom } from '../support/stream-fuzz.ts'

/** The words of the data for what an adapter throws. */
const TERMINALS: Readonly<Record<string, KnownStreamRow['terminal']>> = {
  model_incomplete: 'truncated',
  model_failed: 'error',
  model_malformed: 'malformed',
}

function terminalOf({ error, events }: Ended): string {
  if (error) return TERMINALS[error.code] ?? error.code
  return events.at(-1)?.type === 'finish' ? 'complete' : 'no finish event'
}

/** Whole, byte by byte, at fixed odd places, and at random places of eight seeds. */
function chunkings(text: string): readonly Uint8Array[][] {
  return [
    [Buffer.from(text)],
    cutBytes(text, 1),
    cutBytes(text, 3, 50, 1, 400),
    cutBytes(text, 1000),
    ...Array.from({ length: 8 }, (_, seed) => cutRandomly(Buffer.from(text), seededRandom(seed))),
  ]
}

for (const file of ['provider_streams_dev.jsonl', 'stream_faults_dev.jsonl'] as const) {
  const found = streamRows(file)
  describe.skipIf(found.length === 0)(`${file} (skipped where the shared data folder is absent)`, () => {
    for (const dialect of ['openai-chat', 'anthropic'] as const) {
      const own = found.filter((row) => row.dialect === dialect)
      it(`ends each of the ${own.length} ${dialect} rows in its terminal state, in every chunking [F15 F16 F17 F18 F19 F20]`, async () => {
        const wrong: string[] = []
        for (const row of own) {
          const ends = await Promise.all(chunkings(row.text).map((pieces) => answer(dialect, pieces)))
          const states = new Set(ends.map(terminalOf))
          if (states.size !== 1 || !states.has(row.terminal))
            wrong.push(`${nameOf(row)}: ${[...states].join(', ')}, not ${row.terminal}`)
          if (new Set(ends.map((end) => JSON.stringify(end.events))).size !== 1)
            wrong.push(`${nameOf(row)}: events differ between chunkings`)
        }
        expect(wrong).toEqual([])
        expect(own.length).toBeGreaterThan(8)
      })
    }
  })
}

describe('any chunking of a stream', () => {
  const text = 'Grüße, 世界 👋 \u2028 “data: [DONE]”'
  const openAi = openAiFrames(
    [{ content: text }, { tool_calls: [{ index: 0, id: 'c1', function: { name: 'f', arguments: '{"ü":1}' } }] }],
    { finishReason: 'tool_calls' },
  ).join('')
  const blocks = [
    { start: { type: 'text', text: '' }, deltas: [{ type: 'text_delta', text }] },
    {
      start: { type: 'tool_use', id: 't1', name: 'f', input: {} },
      deltas: [{ type: 'input_json_delta', partial_json: '{"ü":1}' }],
    },
  ]
  const anthropic = anthropicFrames(blocks, { finishReason: 'tool_use' }).join('')
  const cuts = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 40 })

  for (const [dialect, stream] of [
    ['openai-chat', openAi],
    ['anthropic', anthropic],
  ] as const) {
    it(`gives the same ${dialect} events`, async () => {
      const whole = await answer(dialect, [Buffer.from(stream)])
      expect(whole.error).toBeNull()
      expect(whole.text).toBe(text)
      await fc.assert(
        fc.asyncProperty(cuts, async (sizes) => {
          const cut = await answer(dialect, cutBytes(stream, ...sizes))
          expect(cut.events).toEqual(whole.events)
        }),
        { numRuns: 60 },
      )
    })
  }
})
