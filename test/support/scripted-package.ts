/** The package with a local model `small` that plays a script: it knows what failed in a log by the words of the log. */
import { createRouter as create, type RouterSettings } from '../../src/index.ts'
import type { Router } from '../../src/spec/router.ts'
import { scriptedModel } from '../../src/testing.ts'

export * from '../../src/index.ts'

const WORDS: readonly (readonly [string, RegExp])[] = [
  ['dependency', /ERESOLVE|No matching distribution/],
  ['build', /TS2345|Rollup failed/],
  ['test', /AssertionError|def test_/],
]

export function createRouter(settings: RouterSettings): Router {
  const small = scriptedModel({
    name: 'small',
    decisions: ({ input, options }) => {
      const [label] = WORDS.find(([, words]) => words.test(input)) ?? ['unknown']
      const others = 0.1 / (options.length - 1)
      return { probabilities: Object.fromEntries(options.map((one) => [one, one === label ? 0.9 : others])) }
    },
  })
  return create({ ...settings, models: { small } })
}
