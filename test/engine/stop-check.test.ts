/** A stop check of the real model: a head tells sport from cooking, and sport is what may not be answered here. */
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { Outcome } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'

const SPORT = [
  'The striker scored in the last minute.',
  'Our team won the final by two goals.',
  'She ran the marathon in three hours.',
  'He broke the record in the long jump.',
  'They lost the tennis match in five sets.',
  'The cyclist won the mountain stage.',
  'The referee gave him a red card.',
  'The boxer was knocked out in round two.',
]
const FOOD = [
  'We baked bread with garlic and butter.',
  'The soup needs more salt and pepper.',
  'She ordered pasta with tomato sauce.',
  'Fry the onions until they are golden.',
  'He grilled fish with lemon and herbs.',
  'Rice and beans make a cheap dinner.',
  'Peel the potatoes and boil them.',
  'The salad has olives and cheese.',
]
const HARMLESS = ['Stir', 'Heat', 'Season', 'Taste', 'Chop', 'Serve', 'Store'].flatMap((verb) =>
  ['soup', 'stew', 'sauce', 'rice', 'noodles', 'cabbage', 'mushrooms'].map(
    (what) => `${verb} the ${what} before dinner.`,
  ),
)

let home: EngineHome
const routers: Router[] = []

function open(): Router {
  const router = createRouter({ policy: join(home.folder, 'policy.yaml'), paths: home.paths })
  routers.push(router)
  return router
}

beforeAll(() => {
  home = engineHome()
  const rows = [...SPORT.map((text) => ({ text, label: 'yes' })), ...FOOD.map((text) => ({ text, label: 'no' }))]
  const asLines = (all: readonly unknown[]): string => all.map((row) => JSON.stringify(row)).join('\n')
  writeFileSync(join(home.folder, 'sport.jsonl'), asLines(rows))
  writeFileSync(join(home.folder, 'harmless.jsonl'), asLines([...HARMLESS, ...FOOD].map((text) => ({ text }))))
  writeFileSync(
    join(home.folder, 'policy.yaml'),
    `models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast, contextTokens: 1024, maxOutputTokens: 24 }
deadlines: { local_fast: { total: 5m } }
tasks:
  chat:
    local: small
    stage: accept
    complexity: simple
    accept: { uncalibrated: true }
    gates: { entropyNats: null }
    stopCheck: { task: sport, kind: production, harmless: harmless.jsonl }
  sport:
    kind: boolean
    prompt: { system: "Is this about sport?" }
    head: { examples: sport.jsonl }
`,
  )
})
afterAll(async () => {
  for (const router of routers) await router.close()
  await home.close()
})

const ask = (router: Router, text: string): Promise<Outcome> =>
  router.complete({ messages: [{ role: 'user', content: text }], metadata: { task: 'chat' }, temperature: 0 })
const said = (outcome: Outcome) => outcome.verdicts.find(({ gate }) => gate === 'stop_check')
const kept = (): readonly string[] => readdirSync(join(home.folder, 'data', 'heads')).toSorted()

describe('a stop check of the real model', () => {
  it('stops what its question says yes to, beside harmless texts that its head has not seen', async () => {
    const outcome = await ask(open(), 'The goalkeeper saved the penalty and her team won the cup.')
    expect(outcome).toMatchObject({ answer: null, decision: { route: 'held', reason: 'hard_stop_production' } })
    expect(said(outcome)).toMatchObject({ accepted: false, score: 1 / 50, threshold: 0.02 })
    expect(said(outcome)?.detail).toContain('of 49 harmless texts')
    expect(outcome.attempts.map(({ purpose }) => purpose)).toEqual(['answer', 'stop_check'])
  })

  it('lets pass what is as harmless, and reads the texts of another process from disk', async () => {
    const before = kept().map((file) => [file, statSync(join(home.folder, 'data', 'heads', file)).mtimeMs])
    const outcome = await ask(open(), 'Bake the potatoes before dinner.')
    expect(said(outcome)).toMatchObject({ accepted: true })
    expect(outcome.answer).not.toBeNull()
    expect(kept().map((file) => [file, statSync(join(home.folder, 'data', 'heads', file)).mtimeMs])).toEqual(before)
    expect(before).toHaveLength(2)
  })
})
