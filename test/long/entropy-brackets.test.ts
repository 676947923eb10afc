/** The exact entropy of the full vocabulary lies in both brackets, at every place of real texts. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LlamaSequence, Token } from '../../src/models/embedded/llama-types.ts'
import { readToken, readVocabulary, TOP_TOKENS, tokenBracket, withTop } from '../../src/models/embedded/signals.ts'
import { type InProcessEngine, inProcessEngine } from '../support/in-process-engine.ts'

/** Prose, tables, commands, code and changelog lines: sure and unsure places of many kinds. */
const TEXTS = ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs/guides/policy.md', 'src/pipeline/pipeline.ts']
const POSITIONS = 2000
/** Every full distribution holds 49,152 numbers, so few are in memory at a time. */
const PIECE = 16
const WINDOW = 480

let engine: InProcessEngine
beforeAll(async () => {
  engine = await inProcessEngine(512)
})
afterAll(async () => await engine.end())

interface Position {
  readonly exact: number
  readonly one: ReturnType<typeof tokenBracket>
  readonly two: ReturnType<typeof tokenBracket>
}

async function positionsOf(sequence: LlamaSequence, tokens: readonly Token[]): Promise<readonly Position[]> {
  const positions: Position[] = []
  const generateNext = { token: true, logits: true, totalLogitWeight: true, options: { temperature: 0 } } as const
  await sequence.clearHistory()
  for (let from = 0; from < tokens.length; from += PIECE) {
    const piece = tokens.slice(from, from + PIECE)
    for (const output of await sequence.controlledEvaluate(piece.map((token) => [token, { generateNext }]))) {
      const next = output?.next
      if (!next?.logits || next.token === undefined || next.token === null) throw new Error('nothing was read')
      const logits = [...next.logits.values()]
      const largest = Math.max(...logits)
      const reading = readToken(largest, largest, next.totalLogitWeight)
      const top = logits.toSorted((a, b) => b - a).slice(0, TOP_TOKENS)
      positions.push({
        exact: readVocabulary(next.token, next.logits).entropyNats ?? Number.NaN,
        one: tokenBracket(reading, logits.length),
        two: tokenBracket(withTop(reading, top, largest), logits.length),
      })
    }
  }
  return positions
}

describe('the entropy brackets on the real model', () => {
  it('hold the exact entropy at 2,000 places of five texts, and are tight with the top of the distribution', async () => {
    const root = resolve(import.meta.dirname, '../..')
    const sequence = engine.context.getSequence()
    const positions: Position[] = []
    for (const file of TEXTS) {
      const tokens = engine.model.tokenize(readFileSync(resolve(root, file), 'utf8')).slice(0, WINDOW)
      positions.push(...(await positionsOf(sequence, tokens)))
    }
    expect(positions.length).toBeGreaterThanOrEqual(POSITIONS)
    const outside = positions.filter(({ exact, one, two }) =>
      [one, two].some((bracket) => bracket === null || !(exact >= bracket.lowNats && exact <= bracket.highNats)),
    )
    expect(outside).toEqual([])
    const widths = positions.map(({ two }) => (two?.highNats ?? 9) - (two?.lowNats ?? 0)).toSorted((a, b) => a - b)
    expect(widths[Math.floor(widths.length / 2)]).toBeLessThan(0.5)
  })
})
