import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

function shell(script: string): string {
  const spillway = `"${process.execPath}" "${MAIN}"`
  return execFileSync('sh', ['-c', script.replaceAll('spillway', spillway)], {
    env: box.env,
    cwd: box.folder,
    encoding: 'utf8',
  }).trim()
}

describe('fits', () => {
  it('reads a model from its own header and says what it takes', async () => {
    const { stdout, exitCode } = await box.run(['fits', 'smollm2-135m-instruct', '--ctx', '2048', '--json'])
    const answer = JSON.parse(stdout) as Record<string, number>
    expect(exitCode).toBe(0)
    expect(answer).toMatchObject({ verdict: 'fits', contextTokens: 2048, largestContextTokens: 8192, estimated: false })
    // The file holds 98.4 MB; its header and vocabulary are not weights.
    expect(answer.weightsBytes).toBeGreaterThan(90_000_000)
    expect(answer.weightsBytes).toBeLessThan(98_362_432)
    expect(answer.needBytes).toBe((answer.weightsBytes ?? 0) + (answer.kvCacheBytes ?? 0) + (answer.bufferBytes ?? 0))
  })

  it('can be branched on in a shell', () => {
    const branch = (mb: number) =>
      shell(`if spillway fits --before-load ${mb} >/dev/null; then echo use_local; else echo use_cloud_or_queue; fi`)
    expect(branch(1)).toBe('use_local')
    expect(branch(900_000_000)).toBe('use_cloud_or_queue')
  })

  it('exits with 4 and says no when it does not fit', async () => {
    const { stdout, exitCode } = await box.run(['fits', '--before-load', '900000000', '--json'])
    expect(exitCode).toBe(4)
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'no', needBytes: 900_000_000_000_000 })
  })

  it.each([
    [['fits', 'nope'], 'There is no model nope.'],
    [['fits', 'smollm2-135m-instruct', '--ctx', 'many'], '--ctx many is not a positive whole number.'],
    [['fits', '--before-load', 'lots'], 'the number of MB lots is not a positive whole number.'],
  ])('refuses %j with the subject, the value and the fix', async (args, message) => {
    const { stderr, exitCode } = await box.run(args)
    expect(stderr).toContain(message)
    expect(stderr).toContain('fix ')
    expect(exitCode).toBeGreaterThan(0)
  })
})
