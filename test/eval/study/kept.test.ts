import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { whileAsking } from '../../../src/eval/study/asking.ts'
import { timed, withoutDocument } from '../../../src/eval/study/frontier-ports.ts'
import { openMemory, remembered } from '../../../src/eval/study/remembered.ts'
import { openStudyResults } from '../../../src/eval/study/run.ts'
import { readSet } from '../../../src/eval/study/sets.ts'
import type { CallLimits, ModelPort } from '../../../src/spec/ports.ts'
import { scriptedModel } from '../../../src/testing.ts'
import { result, row } from './rows.ts'

const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1000, firstByteMs: 1000, idleMs: 1000, totalMs: 1000 },
}

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-study-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function textOf(port: ModelPort, stopAfter = Number.POSITIVE_INFINITY): Promise<string> {
  let text = ''
  for await (const event of port.generate({ messages: [{ role: 'user', content: 'q' }], stream: false }, LIMITS)) {
    if (event.type === 'text') text += event.delta
    if (text.length >= stopAfter) break
  }
  return text
}

describe('kept answers of a local model', () => {
  it('are asked for once, over processes and by tasks that share a head', async () => {
    const model = scriptedModel({ name: 'small', decisions: [{ probabilities: { a: 0.8, b: 0.2 } }] })
    const file = join(folder, 'local.jsonl')
    const call = (head: string) => ({ instruction: '', shots: [], input: 'x', options: ['a', 'b'], head })
    const first = remembered(model, openMemory(file), (head) => head.split('_')[0] ?? '')
    const told = await first.decide?.(call('sst2_cascade'), LIMITS)
    appendFileSync(file, '{"key":"cut off')
    const second = remembered(model, openMemory(file), (head) => head.split('_')[0] ?? '')
    expect(await second.decide?.(call('sst2_buddy'), LIMITS)).toEqual(told)
    expect(model.decideCalls).toHaveLength(1)
    await expect(second.decide?.(call('agnews_buddy'), LIMITS)).rejects.toMatchObject({ code: 'model_failed' })
  })

  it('keep whole texts only, and charge a reader who stops for the time until then', async () => {
    const model = scriptedModel({ name: 'small', answers: [{ text: ['one ', 'two'] }, { text: ['one ', 'two'] }] })
    const port = remembered(model, openMemory(null), (head) => head)
    expect(await textOf(port, 3)).toBe('one ')
    // The pipeline reads no further than the end.
    for await (const event of port.generate({ messages: [{ role: 'user', content: 'q' }], stream: true }, LIMITS))
      if (event.type === 'finish') break
    expect(await textOf(port)).toBe('one two')
    expect(model.calls).toHaveLength(2)
    const whole = await whileAsking(row('gsm8k'), () => textOf(port))
    const part = await whileAsking(row('gsm8k'), () => textOf(port, 3))
    expect(part.asked.localMs).toBeLessThanOrEqual(whole.asked.localMs)
    expect(whole.asked.spentMs).toBe(0)
  })
})

describe('frontiers of the study', () => {
  it('take the time that is stated when they are simulated', async () => {
    const usage = { inputTokens: 5, outputTokens: 10, source: 'reported' as const }
    const port = timed(scriptedModel({ name: 'f', answers: [{ text: 'x', usage }] }), true)
    const { asked } = await whileAsking(row('sst2'), () => textOf(port))
    expect(asked.frontierMs).toBe(750)
  })

  it('see everything but the document', async () => {
    const model = scriptedModel({ name: 'f', answers: ['x'] })
    const content = [
      { type: 'text' as const, text: 'The passage.' },
      { type: 'text' as const, text: 'Question: why?' },
    ]
    await whileAsking(row('squad', { context: 'The passage.' }), async () => {
      const call = { messages: [{ role: 'user' as const, content }], stream: false }
      for await (const _ of withoutDocument(model).generate(call, LIMITS));
    })
    expect(model.calls[0]?.messages).toEqual([{ role: 'user', content: [content[1]] }])
  })
})

describe('results of a study', () => {
  const run = { limit: 1 }
  it('go on where they stopped, without a line that was cut off', () => {
    const file = join(folder, 'out', 'rows.jsonl')
    openStudyResults(file, run, false).append(result())
    appendFileSync(file, '{"set":"agn')
    expect(openStudyResults(file, run, true).done).toEqual([result()])
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2)
  })

  it('are not mixed with those of another study, nor written over', () => {
    const file = join(folder, 'rows.jsonl')
    openStudyResults(file, run, false)
    expect(() => openStudyResults(file, run, false)).toThrow(/holds the results of a study/)
    expect(() => openStudyResults(file, { limit: 2 }, true)).toThrow(/other options or data/)
  })
})

describe('the rows of a set', () => {
  const line = (id: number) => JSON.stringify({ id: `r${id}`, input: `text ${id}`, answers: ['positive'] })
  const write = (name: string, lines: readonly string[]) => writeFileSync(join(folder, name), lines.join('\n'))

  it('that are scored are never those that are fitted on, and the seed alone draws them', async () => {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(join(folder, 'tasks'))
    write(
      'tasks/squad.jsonl',
      Array.from({ length: 300 }, (_, id) => line(id)),
    )
    const { scored, fitted } = readSet(folder, 'squad', { limit: 50, seed: 1 })
    expect([scored.length, fitted.length]).toEqual([50, 250])
    const ids = new Set(scored.map(({ id }) => id))
    expect(fitted.some(({ id }) => ids.has(id))).toBe(false)
    // The last hundred are kept for fitting, whatever the limit.
    const all = readSet(folder, 'squad', { limit: 1000, seed: 1 })
    expect([all.scored.length, all.fitted.length]).toEqual([200, 100])
    expect(readSet(folder, 'squad', { limit: 50, seed: 1 }).scored).toEqual(scored)
    expect(readSet(folder, 'squad', { limit: 50, seed: 2 }).scored).not.toEqual(scored)
  })

  it('are refused with the file and the line, or the option that is missing', async () => {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(join(folder, 'tasks'))
    write('tasks/gsm8k.jsonl', [line(1), '{"id":"x"}'])
    expect(() => readSet(folder, 'gsm8k', { limit: 1, seed: 1 })).toThrow(/gsm8k.jsonl.*line 2/)
    expect(() => readSet(folder, 'squad', { limit: 1, seed: 1 })).toThrow(/squad.jsonl/)
  })
})
