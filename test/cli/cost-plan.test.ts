import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  big: { provider: openai, model: unlisted, tier: frontier, apiKey: "\${env:KEY}", priceUsdPerMillion: { input: 2, output: 8 } }
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
costs: { watts: 72, usdPerKwh: 0.5, maintenanceUsdPerMonth: 5 }
`

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterAll(() => box.close())

async function plan(...args: readonly string[]) {
  const { stdout, exitCode, stderr } = await box.run(['cost', 'plan', '--json', ...args])
  expect([exitCode, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('spillway cost plan', () => {
  it('starts from the reference, and from a preset', async () => {
    expect(await plan()).toMatchObject({
      day: { apiUsd: 0.45, hybridUsd: 0.1125 },
      month: { apiUsd: 13.5, hybridUsd: 3.375, savedPct: 75 },
      whatIf: [{ priceChangePct: -50 }, { priceChangePct: 50 }, { priceChangePct: 100 }],
    })
    expect(await plan('--preset', 'heavy')).toMatchObject({ month: { apiUsd: 67.5, hybridUsd: 16.875 } })
    expect(await plan('--preset', 'heavy', '--requests-per-day', '50')).toMatchObject({ month: { apiUsd: 6.75 } })
  })

  it('takes the price of a model of the policy, and of the price table', async () => {
    expect(await plan('--model', 'big')).toMatchObject({ perRequest: { apiUsd: 0.006 } })
    expect((await plan('--model', 'openai:gpt-4.1-nano')).perRequest.apiUsd).toBeCloseTo(0.0003, 10)
    expect(await plan('--input-price', '2', '--output-price', '8')).toMatchObject({ perRequest: { apiUsd: 0.006 } })
  })

  it('takes costs of the policy that is named where no flag says otherwise', async () => {
    const speeds = ['--fast-speed', '50', '--quality-speed', '50', '--local-token-factor', '1']
    // Ten seconds of 72 watts are two ten-thousandths of a kilowatt-hour.
    const found = await plan('--policy', 'spillway.yaml', ...speeds)
    expect(found).toMatchObject({ fixedUsdPerMonth: 5, perRequest: { fastUsd: 0.0001 } })
    expect(await plan('--policy', 'spillway.yaml', '--maintenance', '0', ...speeds)).toMatchObject({
      fixedUsdPerMonth: 0,
    })
  })

  it('prints figures, formulas and what pays', async () => {
    const { stdout } = await box.run(['cost', 'plan', '--quality-hardware', '50', '--price-change', '100'])
    expect(stdout).toContain('a month  pure API $13.50, local $50.00, hybrid $53.38; fixed $50.00 of it')
    expect(stdout).toContain('÷ (30 days × $0.0045 a request of the frontier) = 370.4 requests a day')
    expect(stdout).toMatch(/^\+100 % +\$27\.00 +\$56\.75 +-\$29\.75 +246\.9 a day$/m)
    expect(stdout).toContain('recommended: local_fast, frontier, $8.10 a month.')
  })
})

describe('a plan with bad input', () => {
  it.each([
    [['--mix', '40,35,20'], 'the mix 40,35,20 is 95 %, not 100 %'],
    [['--mix', '40,60'], '--mix 40,60 does not name three shares'],
    [['--preset', 'huge'], '--preset huge is not known'],
    [['--price', '3', '--model', 'big'], 'the price is said twice'],
    [['--input-price', '3'], '--input-price and --output-price go together'],
    [['--model', 'small'], '--model small is a local model'],
    [['--model', 'openai:nosuch'], 'no price of --model openai:nosuch is known'],
    [['--watts', '65'], 'electricity cannot be counted without --usd-per-kwh, --fast-speed, --quality-speed'],
    [['--requests-per-day', 'many'], '--requests-per-day many is not a number at least 0'],
    [['--price-change', '-100'], '--price-change -100 is not a number from -99.9'],
  ])('%j is refused', async (args, words) => {
    const { exitCode, stderr } = await box.run(['cost', 'plan', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(words)
  })
})
