/** The tour asks the real model; what it prints comes from the outcomes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

interface Stop {
  readonly input: string
  readonly answer: string | null
  readonly decision: {
    readonly route: string
    readonly reason: string
    readonly degraded: boolean
    readonly proven: boolean
  }
  readonly wouldEscalateTo: { readonly model: string; readonly why: string } | null
}

let box: Sandbox
let told: Finished
let stops: readonly Stop[]

beforeAll(async () => {
  box = sandbox()
  told = await box.run(['tour', '--json'])
  stops = (JSON.parse(told.stdout) as { stops: readonly Stop[] }).stops
})
afterAll(() => box.close())

function stop(input: string): Stop {
  const found = stops.find((candidate) => candidate.input === input)
  if (!found) throw new Error(`the tour has no stop ${input}`)
  return found
}

describe('the tour without any provider key', () => {
  it('ends well and prints one JSON object', () => {
    expect(told.exitCode).toBe(0)
    expect(told.stdout.trim().split('\n')).toHaveLength(1)
  })

  it('accepts the label of an ordinary build log locally, although the log says 401', () => {
    expect(stop('vitest-401-passed.log')).toMatchObject({
      answer: 'test',
      decision: { route: 'local', reason: 'local_accepted' },
    })
  })

  it('holds the log of a refused login for a human', () => {
    expect(stop('npm-401.log')).toMatchObject({ answer: null, decision: { route: 'held', reason: 'hard_stop_access' } })
  })

  it('gives the arithmetic question to the solver', () => {
    expect(stop('arithmetic')).toMatchObject({
      answer: '6510',
      decision: { route: 'solver', reason: 'solver_answered' },
    })
  })

  it('names the frontier that a rejected answer would have gone to, and that no key is set', () => {
    const rejected = stops.filter(({ decision }) => decision.degraded)
    expect(rejected.length).toBeGreaterThan(0)
    for (const { wouldEscalateTo } of rejected) {
      expect(wouldEscalateTo).toEqual({ model: 'haiku', why: 'no key set (ANTHROPIC_API_KEY)' })
    }
  })

  it('calls nothing proven', () => {
    expect(stops.filter(({ decision }) => decision.proven)).toEqual([])
  })
})
