import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** Runs a script in which `spillway` is a command on the path, as in a shell of a user. */
function shell(script: string, env: NodeJS.ProcessEnv = {}): string {
  const bin = join(box.folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'spillway'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(bin, 'spillway'), 0o755)
  const path = `${bin}:${box.env.PATH}`
  return execFileSync('sh', ['-c', script], {
    env: { ...box.env, PATH: path, ...env },
    cwd: box.folder,
    encoding: 'utf8',
  }).trim()
}

describe('fits', () => {
  it('reads a model from its own header and says what it takes', async () => {
    const { stdout, exitCode } = await box.run(['fits', 'smollm2-135m-instruct', '--ctx', '2048', '--json'])
    const answer = JSON.parse(stdout) as Record<string, number>
    expect(exitCode).toBe(0)
    expect(answer).toMatchObject({
      verdict: 'fits',
      contextTokens: 2048,
      largestContextTokens: 8192,
      largestQuantisation: 'F16',
      source: 'file',
      estimated: false,
    })
    // The file holds 98.4 MB; its header and vocabulary are not weights.
    expect(answer.weightsBytes).toBeGreaterThan(90_000_000)
    expect(answer.weightsBytes).toBeLessThan(98_362_432)
    expect(answer.needBytes).toBe((answer.weightsBytes ?? 0) + (answer.kvCacheBytes ?? 0) + (answer.bufferBytes ?? 0))
  })

  it('can be branched on in a shell', () => {
    const branch = (mb: number) =>
      shell(`use_local() { echo local; }
use_cloud_or_queue() { echo cloud; }
if spillway fits --before-load ${mb} >/dev/null; then use_local; else use_cloud_or_queue; fi`)
    expect(branch(1)).toBe('local')
    expect(branch(900_000_000)).toBe('cloud')
  })

  it('prints JSON that a filter takes the verdict from', () => {
    const verdict = `"${process.execPath}" -e 'process.stdin.on("data",(t)=>console.log(JSON.stringify(JSON.parse(t).verdict)))'`
    const filter = `if command -v jq >/dev/null; then jq .verdict; else ${verdict}; fi`
    expect(shell(`spillway fits --before-load 1 --json | (${filter})`)).toBe('"fits"')
    expect(shell(`spillway fits --before-load 900000000 --json | (${filter})`)).toBe('"no"')
  })

  it('plans for the context and the requests side by side that are named', async () => {
    const cacheOf = async (...flags: string[]) => {
      const { stdout } = await box.run(['fits', 'smollm2-135m-instruct', '--json', ...flags])
      return (JSON.parse(stdout) as { kvCacheBytes: number }).kvCacheBytes
    }
    expect(await cacheOf('--ctx', '512', '--sequences', '1')).toBe(11_796_480)
    expect(await cacheOf('--ctx', '512', '--sequences', '8')).toBe(94_371_840)
  })

  it('gives the free memory of GPUs, or null without any', () => {
    const gpu = join(box.folder, 'gpu')
    mkdirSync(gpu)
    writeFileSync(join(gpu, 'nvidia-smi'), '#!/bin/sh\nprintf "1000\\n24\\n"\n')
    chmodSync(join(gpu, 'nvidia-smi'), 0o755)
    const vram = (path: string) =>
      (JSON.parse(shell('spillway fits --before-load 1 --json', { PATH: path })) as { freeVramBytes: number | null })
        .freeVramBytes
    const bin = join(box.folder, 'bin')
    expect(vram(`${gpu}:${bin}:/bin:/usr/bin`)).toBe(1_073_741_824)
    writeFileSync(join(gpu, 'nvidia-smi'), '#!/bin/sh\nexit 9\n')
    expect(vram(`${gpu}:${bin}:/bin:/usr/bin`)).toBeNull()
  })

  it('knows the models of the swap table before any file is here', async () => {
    const { stdout, exitCode } = await box.run(['fits', 'llama-3.2-3b:Q8_0', '--ctx', '2048', '--json'])
    const answer = JSON.parse(stdout) as Record<string, unknown>
    expect(answer).toMatchObject({ source: 'catalogue', estimated: true, contextTokens: 2048 })
    expect(answer.weightsBytes).toBeGreaterThan(3_000_000_000)
    expect(exitCode).toBe(answer.verdict === 'no' ? 4 : 0)
    const none = await box.run(['fits', 'llama-3.2-3b:Q99'])
    expect(none.stderr).toContain('llama-3.2-3b:Q99')
    expect(none.exitCode).toBe(1)
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
