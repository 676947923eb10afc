/** F15 to F18: a stream that is reset, ends without its end, or turns into an error. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anthropicFrames, openAiFrames, openAiStream, openAiText } from '../support/cloud-answers.ts'
import { closeFaultyUpstreams, type FaultyUpstreams, faultyUpstreams } from '../support/faulty-upstreams.ts'
import { figure } from '../support/figure.ts'
import {
  framesIn,
  holdsTerminal,
  type KnownStreamRow,
  nameOf,
  ownStreams,
  streamRows,
} from '../support/provider-streams.ts'
import { eventStream, type ScriptedReply } from '../support/scripted-cloud.ts'

/** One call a request, so that what the client sees is what this stream did. */
const ONCE = { routing: { maxFallbackAttempts: 0 } }
let openAi: FaultyUpstreams
let anthropic: FaultyUpstreams

beforeAll(async () => {
  openAi = await faultyUpstreams({ clouds: [[]], policy: ONCE })
  anthropic = await faultyUpstreams({ clouds: [[]], dialects: ['anthropic'], policy: ONCE })
})
afterAll(closeFaultyUpstreams)

interface Seen {
  readonly status: number
  readonly text: string
  readonly isComplete: boolean
  readonly hasError: boolean
}

async function play(
  row: Pick<KnownStreamRow, 'dialect'>,
  reply: ScriptedReply,
): Promise<Seen & { up: FaultyUpstreams }> {
  const up = row.dialect === 'anthropic' ? anthropic : openAi
  up.clouds[0]?.enqueue(reply)
  const response = await up.chat({ stream: true })
  const text = await response.text()
  // Longer than any cool-down: the breaker is another row's matter.
  await up.clock.advance(60_000)
  return {
    up,
    status: response.status,
    text,
    isComplete: text.trimEnd().endsWith('data: [DONE]'),
    hasError: text.includes('"error":{') && text.includes('"code":"model_'),
  }
}

/** What may be wrong with an answer that broke; empty when nothing is. */
function lies(seen: Seen, head: string): readonly string[] {
  // Of several choices one may have ended before the stream broke.
  const mayEnd = head.includes('"choices":[{"index":1')
  return [
    ...(seen.isComplete ? ['says [DONE]'] : []),
    ...(seen.hasError ? [] : ['has no error']),
    ...(/"finish_reason":"/.test(seen.text) && !mayEnd ? ['has a finish reason'] : []),
    ...((seen.status === 200) === seen.text.startsWith('data: ') ? [] : [`status ${seen.status}`]),
    ...(seen.status === 200 || seen.status >= 500 ? [] : [`status ${seen.status}`]),
  ]
}

/** Forty streams: what providers sent, then our own, then streams of many lengths. */
function fortyStreams(): readonly KnownStreamRow[] {
  const sent = [...streamRows('provider_streams_dev.jsonl'), ...ownStreams()].filter(
    ({ terminal, text }) => terminal === 'complete' && framesIn(text).length < 80,
  )
  const made = Array.from({ length: 40 - Math.min(40, sent.length) }, (_, index): KnownStreamRow => {
    const words = Array.from({ length: 1 + (index % 13) }, (_unused, word) => `word${word} `)
    const isOpenAi = index % 2 === 0
    const frames = isOpenAi
      ? openAiFrames(words.map((content) => ({ content })))
      : anthropicFrames([
          { start: { type: 'text', text: '' }, deltas: words.map((text) => ({ type: 'text_delta', text })) },
        ])
    return {
      name: `made ${index}`,
      dialect: isOpenAi ? 'openai-chat' : 'anthropic',
      terminal: 'complete',
      text: frames.join(''),
    }
  })
  return [...sent.slice(0, 40), ...made]
}

describe('F15 a TCP reset after k frames', () => {
  it('F15 for every k of 40 streams: an error for the client, never an end; a broken row with what it cost', async (context) => {
    const wrong: string[] = []
    let cuts = 0
    const streams = fortyStreams()
    for (const row of streams) {
      const frames = framesIn(row.text)
      for (let k = 0; k < frames.length; k += 1) {
        const head = frames.slice(0, k).join('')
        const seen = await play(row, eventStream(k === 0 ? [] : [head], { end: 'reset' }))
        cuts += 1
        // After its terminal event nothing of the answer is missing.
        if (holdsTerminal(row.dialect, Buffer.from(head))) {
          if (!seen.isComplete || seen.hasError) wrong.push(`${nameOf(row)} at ${k}: not complete after its end`)
          continue
        }
        const record = seen.up.record()
        const faults = [...lies(seen, head), ...(record.outcome === 'error' ? [] : [`the row says ${record.outcome}`])]
        const hasContent = record.attempts.some(({ usage }) => usage !== null)
        if (hasContent !== (record.costUsd ?? 0) > 0) faults.push(`cost ${record.costUsd}`)
        if (seen.text.includes('"content":"w') && !hasContent) faults.push('no usage')
        if (faults.length > 0) wrong.push(`${nameOf(row)} at ${k}: ${faults.join(', ')}`)
      }
    }
    expect(wrong).toEqual([])
    figure(context, `${cuts} cuts of ${streams.length} streams, ${wrong.length} told wrongly`)
    expect(streams).toHaveLength(40)
    expect(cuts).toBeGreaterThan(300)
  })
})

describe('F16 a clean end without the terminal event', () => {
  const rows = streamRows('stream_faults_dev.jsonl').filter(({ terminal }) => terminal === 'truncated')

  it.skipIf(rows.length === 0)(
    `F16 each of ${rows.length} rows is broken for client and record (skipped without the shared data)`,
    async () => {
      const wrong: string[] = []
      for (const row of rows) {
        const seen = await play(row, eventStream([row.text]))
        const record = seen.up.record()
        const faults = [
          ...lies(seen, row.text),
          ...(record.error === 'model_incomplete' ? [] : [`the row says ${record.error}`]),
        ]
        if (faults.length > 0) wrong.push(`${nameOf(row)}: ${faults.join(', ')}`)
      }
      expect(wrong).toEqual([])
    },
  )

  it.each(['end', 'close'] as const)('F16 after k frames of our own streams (%s)', async (end) => {
    for (const row of ownStreams()) {
      const frames = framesIn(row.text)
      for (let k = 1; k < frames.length; k += 1) {
        const head = frames.slice(0, k).join('')
        if (holdsTerminal(row.dialect, Buffer.from(head))) continue
        const seen = await play(row, eventStream([head], { end }))
        expect([nameOf(row), k, lies(seen, head)]).toEqual([nameOf(row), k, []])
        expect(seen.up.record()).toMatchObject({ outcome: 'error', error: 'model_incomplete' })
      }
    }
  })
})

const overloaded = `data: ${JSON.stringify({ error: { type: 'overloaded_error', message: 'too many' } })}\n\n`
const anthropicOverloaded = `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'too many' } })}\n\n`

describe('F17 an error event as the first frame of a 200', () => {
  it('F17 lets the next model answer, since nothing was sent', async () => {
    const up = await faultyUpstreams({ clouds: [[eventStream([overloaded])], [openAiText('from b')]] })
    const response = await up.chat({ stream: true })
    const text = await response.text()
    expect([response.status, response.headers.get('x-spillway-model')]).toEqual([200, 'b'])
    expect(text).toContain('from b')
    expect(text).not.toContain('overloaded')
    expect(up.record().attempts).toMatchObject([
      { model: 'a', error: 'model_failed' },
      { model: 'b', outcome: 'answered' },
    ])
  })

  it('F17 lets the next model answer after a frame that only opened the answer', async () => {
    const opening = openAiFrames([])[0] ?? ''
    const up = await faultyUpstreams({ clouds: [[eventStream([opening, overloaded])], [openAiText('from b')]] })
    const text = await (await up.chat({ stream: true })).text()
    expect(text.match(/"role":"assistant"/g)).toHaveLength(1)
    expect(text).toContain('from b')
  })

  it.each([
    ['openai-chat', overloaded],
    ['anthropic', anthropicOverloaded],
  ] as const)('F17 becomes a true status where nobody else is left (%s)', async (dialect, frame) => {
    const seen = await play({ dialect }, eventStream([frame]))
    expect(seen.status).toBe(502)
    expect(JSON.parse(seen.text)).toMatchObject({ error: { code: 'model_failed' } })
  })

  it('F17 of a rate limit becomes a 429', async () => {
    const frame = overloaded.replace('overloaded_error', 'rate_limit_error')
    expect((await play({ dialect: 'openai-chat' }, eventStream([frame]))).status).toBe(429)
  })
})

describe('F18 an error event later in a 200', () => {
  const rows = streamRows('stream_faults_dev.jsonl').filter(
    ({ fault }) => fault?.startsWith('error-') || fault === 'restart',
  )

  it('F18 is passed on, and no second answer is glued to the first', async () => {
    const begun = openAiStream(['half an answer']).pieces.slice(0, 2)
    const up = await faultyUpstreams({
      clouds: [[eventStream([...begun, overloaded, 'data: [DONE]\n\n'])], [openAiText('from b')]],
    })
    const text = await (await up.chat({ stream: true })).text()
    expect(text).toContain('half an answer')
    expect(text).toContain('"code":"model_failed"')
    expect(text).not.toMatch(/from b|\[DONE\]|"finish_reason":"/)
    expect(text.match(/"role":"assistant"/g)).toHaveLength(1)
    expect(up.clouds[1]?.requests).toHaveLength(0)
    expect(up.record()).toMatchObject({ outcome: 'error', error: 'model_failed', attempts: [{ model: 'a' }] })
    expect(up.record().costUsd).toBeGreaterThan(0)
  })

  it.skipIf(rows.length === 0)(
    `F18 each of ${rows.length} rows ends in an error, begun at most once (skipped without the shared data)`,
    async () => {
      const wrong: string[] = []
      for (const row of rows) {
        const seen = await play(row, eventStream([row.text]))
        const begun = seen.text.match(/"role":"assistant"/g)?.length ?? 0
        if (row.terminal === 'complete' ? !seen.isComplete : seen.isComplete || !seen.hasError)
          wrong.push(`${nameOf(row)}: ${row.terminal}`)
        if (begun > 1 && row.fault === 'restart') wrong.push(`${nameOf(row)}: begun ${begun} times`)
      }
      expect(wrong).toEqual([])
    },
  )
})
