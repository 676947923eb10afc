import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LlamaSequence, Token } from '../../src/models/embedded/llama-types.ts'
import { PrefixStore } from '../../src/models/embedded/prefix-store.ts'
import { type InProcessEngine, inProcessEngine } from '../support/in-process-engine.ts'

const TEXT = 'The river ran through the quiet valley, and every morning the boats left the harbour. '.repeat(12)

let engine: InProcessEngine
let sequence: LlamaSequence
let folder = ''
beforeAll(async () => {
  engine = await inProcessEngine(512)
  sequence = engine.context.getSequence()
})
afterAll(async () => await engine.end())
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'spillway-prefix-')), 'prefixes')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

/** Prepares and says how many tokens had to be evaluated. */
async function prepare(store: PrefixStore, prefix: readonly Token[]): Promise<number> {
  let evaluated = 0
  await store.prepare(sequence, prefix, async (tokens) => {
    evaluated += tokens.length
    await sequence.evaluateWithoutGeneratingNewTokens(tokens)
  })
  return evaluated
}

/** The most probable token after what the sequence holds and `last`, with its logit. */
async function next(last: Token): Promise<readonly [number, number]> {
  const generateNext = {
    token: true,
    logits: { filter: { tokens: [], includeSelected: true } },
    totalLogitWeight: true,
    options: { temperature: 0 },
  } as const
  const [output] = await sequence.controlledEvaluate([[last, { generateNext }]])
  const token = output?.next.token ?? -1
  return [token, output?.next.logits?.get(token) ?? Number.NaN]
}

describe('kept prefixes', () => {
  const settings = () => ({ folder, bytesPerToken: 23_040 })

  it('are evaluated once, restored after another text, and predict the same', async () => {
    const store = new PrefixStore(settings())
    const tokens = engine.model.tokenize(TEXT)
    const [prefix, last] = [tokens.slice(0, 150), tokens[150] ?? 0]
    expect(await prepare(store, prefix)).toBe(150)
    const fresh = await next(last)
    await sequence.clearHistory()
    await sequence.evaluateWithoutGeneratingNewTokens(engine.model.tokenize('Something else entirely.'))
    expect(await prepare(store, prefix)).toBe(0)
    expect(sequence.nextTokenIndex).toBe(150)
    expect(await next(last)).toEqual(fresh)
    await store.dispose()
    expect(() => readdirSync(folder)).toThrow('ENOENT')
  })

  it('stay private, and within their limit', async () => {
    const store = new PrefixStore({ ...settings(), maxBytes: 7_375_000 })
    const tokens = engine.model.tokenize(TEXT)
    for (const from of [0, 1, 2, 3]) await prepare(store, tokens.slice(from, from + 80))
    const kept = readdirSync(folder).map((file) => statSync(join(folder, file)))
    expect(kept.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(7_375_000)
    expect(kept.length).toBeGreaterThan(1)
    expect(statSync(folder).mode & 0o077).toBe(0)
    // The oldest went: it is evaluated again, the newest is not.
    expect(await prepare(store, tokens.slice(3, 83))).toBe(0)
    await sequence.clearHistory()
    expect(await prepare(store, tokens.slice(0, 80))).toBe(80)
    await store.dispose()
  })

  it('are not worth it below 48 tokens, nor above a quarter of the limit', async () => {
    const store = new PrefixStore({ ...settings(), maxBytes: 23_040 * 200 })
    const tokens = engine.model.tokenize(TEXT)
    await sequence.clearHistory()
    expect(await prepare(store, tokens.slice(0, 47))).toBe(0)
    expect(await prepare(store, tokens.slice(0, 51))).toBe(0)
    expect(await prepare(store, tokens.slice(0, 50))).toBe(50)
    await store.dispose()
  })

  it('that cannot be read or written cost time only', async () => {
    const store = new PrefixStore(settings())
    const prefix = engine.model.tokenize(TEXT).slice(0, 60)
    await prepare(store, prefix)
    for (const file of readdirSync(folder)) writeFileSync(join(folder, file), 'damaged')
    await sequence.clearHistory()
    expect(await prepare(store, prefix)).toBe(60)
    const nowhere = new PrefixStore({ ...settings(), folder: join(folder, readdirSync(folder)[0] ?? '', 'inside') })
    await sequence.clearHistory()
    expect(await prepare(nowhere, prefix)).toBe(60)
    expect(sequence.nextTokenIndex).toBe(60)
    await store.dispose()
  })
})
