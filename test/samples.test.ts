import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { RouterRequest } from '../src/spec/request.ts'
import type { StreamEvent } from '../src/spec/response.ts'
import type { RequestOptions } from '../src/spec/router.ts'
import type { ModelScript } from '../src/testing.ts'
import { type SampleRouter, type SampleScript, sampleRouter } from './support/sample-router.ts'

const SAMPLES = resolve(dirname(fileURLToPath(import.meta.url)), 'samples')

interface Expected {
  /** What happens, as a sentence. */
  readonly title: string
  readonly outcome?: Readonly<Record<string, unknown>>
  readonly record?: Readonly<Record<string, unknown>>
  readonly error?: string
  /** Calls per model. */
  readonly calls?: Readonly<Record<string, number>>
  /** Texts that must, or must not, be in what a model was sent. */
  readonly sent?: Readonly<Record<string, { readonly holds?: readonly string[]; readonly lacks?: readonly string[] }>>
  /** Texts that a streaming caller must never receive. */
  readonly neverStreamed?: readonly string[]
  /** Texts that a streaming caller gets before the answer is final. */
  readonly streamed?: readonly string[]
  readonly shadow?: Readonly<Record<string, unknown>>
  /** The gate that rejected the answer of each model, as the record has it. */
  readonly verdictsOf?: Readonly<Record<string, string>>
}

function readSample<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(join(SAMPLES, folder, file), 'utf8')) as T
}

/** The router of a sample, with a caller who goes when the script says so. */
function playing(script: SampleScript): SampleRouter & { readonly options: RequestOptions } {
  const caller = new AbortController()
  const { leavesAt } = script
  const models = Object.entries(script.models).map(([name, model]) => [
    name,
    name === leavesAt ? { ...model, answers: leaving(model.answers, () => caller.abort()) } : model,
  ])
  const sample = sampleRouter({ ...script, models: Object.fromEntries(models) })
  return { ...sample, options: { ...script.options, signal: caller.signal } }
}

/** The same answers in the same order; the caller goes in the moment the model is asked. */
function leaving(answers: ModelScript['answers'], leave: () => void): NonNullable<ModelScript['answers']> {
  const steps = Array.isArray(answers) ? [...answers] : []
  return () => {
    setImmediate(leave)
    return steps.shift() ?? { fail: 'model_failed' }
  }
}

/** As a client puts them in: the last first, so that offsets stay. */
function withCorrections(text: string, { corrections }: Extract<StreamEvent, { type: 'correction' }>): string {
  const lastFirst = corrections.toSorted((a, b) => b.start - a.start)
  return lastFirst.reduce((now, { start, end, text: words }) => now.slice(0, start) + words + now.slice(end), text)
}

const folders = readdirSync(SAMPLES).flatMap((pattern) =>
  readdirSync(join(SAMPLES, pattern)).map((name) => `${pattern}/${name}`),
)

describe.each(folders)('sample %s', (folder) => {
  const request = readSample<RouterRequest>(folder, 'request.json')
  const expected = readSample<Expected>(folder, 'expected.json')

  it(expected.title, async () => {
    const sample = playing(readSample<SampleScript>(folder, 'script.json'))
    const result = await sample.router
      .complete(request, sample.options)
      .catch((error: { code?: string }) => ({ failed: error.code }))
    await sample.router.close()
    if (expected.error) expect(result).toEqual({ failed: expected.error })
    if (expected.outcome) expect(result).toMatchObject(expected.outcome)
    if (expected.record) expect(sample.record('req-1')).toMatchObject(expected.record)
    for (const [name, gate] of Object.entries(expected.verdictsOf ?? {})) {
      const own = sample.record('req-1')?.verdicts.filter(({ model }) => model === name)
      expect(own?.find(({ accepted }) => !accepted)?.gate).toBe(gate)
    }
    for (const [name, count] of Object.entries(expected.calls ?? {})) {
      const model = sample.models[name]
      expect(`${name}: ${(model?.calls.length ?? 0) + (model?.decideCalls.length ?? 0)}`).toBe(`${name}: ${count}`)
    }
    for (const [name, texts] of Object.entries(expected.sent ?? {})) {
      const sent = JSON.stringify([sample.models[name]?.calls, sample.models[name]?.decideCalls])
      for (const text of texts.holds ?? []) expect(sent).toContain(text)
      for (const text of texts.lacks ?? []) expect(sent).not.toContain(text)
    }
    if (expected.shadow) {
      const shadows = sample.journal.flatMap((entry) => (entry.type === 'shadow' ? [entry.shadow] : []))
      expect(shadows).toHaveLength(1)
      expect(shadows[0]).toMatchObject(expected.shadow)
    }
  })

  it('gives a streaming caller the same decision and the same text', async () => {
    const script = readSample<SampleScript>(folder, 'script.json')
    const first = playing(script)
    const whole = await first.router.complete(request, first.options).catch((error: { code?: string }) => error.code)
    const sample = playing(script)
    const events: StreamEvent[] = []
    try {
      for await (const event of sample.router.stream(request, sample.options)) events.push(event)
    } catch (error) {
      expect((error as { code?: string }).code).toBe(whole)
      for (const text of expected.neverStreamed ?? []) expect(JSON.stringify(events)).not.toContain(text)
      return
    }
    const final = events.at(-1)
    if (final?.type !== 'final' || typeof whole !== 'object') throw new Error('the stream has no final event')
    const said = events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')
    const streamed = events.reduce(
      (text, event) => (event.type === 'correction' ? withCorrections(text, event) : text),
      said,
    )
    expect(final.outcome.decision).toEqual(whole.decision)
    expect(streamed).toBe(whole.answer ?? '')
    expect(events.filter((event) => event.type === 'commit')).toHaveLength(1)
    for (const text of expected.neverStreamed ?? []) expect(JSON.stringify(events)).not.toContain(text)
    for (const text of expected.streamed ?? []) expect(said).toContain(text)
  })
})
