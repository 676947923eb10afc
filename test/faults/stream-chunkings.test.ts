/** F15 to F20: however the network cuts a stream, it ends in the same state with the same events. */
import { describe, expect, it } from 'vitest'
import { type KnownStreamRow, nameOf, ownStreams, streamRows } from '../support/provider-streams.ts'
import { answer } from '../support/stream-fuzz.ts'

/** Before, inside and behind every line end and every character of several bytes: where decoders and parsers go wrong. */
function boundariesOf(bytes: Uint8Array): readonly number[] {
  const isEdge = (byte: number | undefined): boolean => byte !== undefined && (byte === 10 || byte === 13 || byte > 127)
  return [...bytes.keys()].filter((at) => isEdge(bytes[at]) || isEdge(bytes[at - 1]) || isEdge(bytes[at - 2]))
}

async function wrongCuts(row: KnownStreamRow): Promise<readonly string[]> {
  const bytes = Buffer.from(row.text)
  const whole = JSON.stringify(await answer(row.dialect, [bytes]))
  const wrong: string[] = []
  for (const at of boundariesOf(bytes)) {
    const cut = await answer(row.dialect, [bytes.subarray(0, at), bytes.subarray(at)])
    if (JSON.stringify(cut) !== whole) wrong.push(`${nameOf(row)} cut at ${at}`)
  }
  return wrong
}

const SETS = {
  'own streams': ownStreams(),
  'provider_streams_dev.jsonl': streamRows('provider_streams_dev.jsonl'),
  'stream_faults_dev.jsonl': streamRows('stream_faults_dev.jsonl'),
}

describe('a stream in two pieces', () => {
  for (const [name, rows] of Object.entries(SETS)) {
    it.skipIf(rows.length === 0)(
      `F15 F16 F17 F18 F19 F20 is the same at every boundary of ${name} (skipped without the shared data)`,
      async () => {
        const wrong: string[] = []
        for (const row of rows) wrong.push(...(await wrongCuts(row)))
        expect(wrong).toEqual([])
      },
    )
  }
})
