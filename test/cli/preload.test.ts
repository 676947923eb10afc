import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeEach(() => {
  box = sandbox()
})
afterEach(() => box.close())

const SMALL = 'provider: embedded, model: smollm2-135m-instruct, tier: local_fast, contextTokens: 512, threads: 1'

function policyFile(lines: readonly string[]): string {
  const file = join(box.folder, 'policy.yaml')
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

interface Row {
  readonly name: string
  readonly state: string
}

async function ready(): Promise<readonly string[]> {
  const { stdout } = await box.run(['models', 'ps', '--json'])
  const { host } = JSON.parse(stdout) as { readonly host: { readonly models: readonly Row[] } | null }
  return (host?.models ?? []).filter(({ state }) => state === 'ready').map(({ name }) => name)
}

describe('preload', () => {
  it('loads models when the gateway starts; one that cannot be loaded is a warning and no more', async () => {
    const policy = policyFile([
      'models:',
      `  broken: { ${SMALL}, preload: true, path: /nowhere/model.gguf }`,
      `  small: { ${SMALL}, preload: true }`,
      `  later: { ${SMALL}, contextTokens: 1024 }`.replace('contextTokens: 512, ', ''),
      'gateway: { port: 0 }',
    ])
    const child = box.start(['serve', '--policy', policy])
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await expect.poll(() => said, { timeout: 20_000 }).toContain('Model broken was not preloaded: The file of model')
    await expect.poll(ready, { timeout: 20_000 }).toEqual(['small'])
    child.kill('SIGTERM')
    const [exitCode] = (await once(child, 'close')) as [number | null]
    expect(exitCode).toBe(0)
  })

  it('is asked for by name of the router in a library, and says what is loaded', async () => {
    const paths = resolvePaths(box.env, process.platform)
    const small = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } as const
    const router = createRouter({
      policy: { models: { small: { ...small, contextTokens: 512, threads: 1, preload: true }, other: small } },
      paths,
      env: box.env,
    })
    try {
      expect(await router.preload()).toEqual([{ name: 'small', error: null }])
      expect(await ready()).toEqual(['small'])
    } finally {
      await router.close()
    }
  })
})

describe('the memory block of the policy', () => {
  it('holds for models that are loaded by hand: idle ones give way under the cap, and too large ones are refused', async () => {
    const policy = policyFile([
      'models:',
      `  first: { ${SMALL}, parallel: 1, idleUnload: never }`,
      `  second: { ${SMALL}, parallel: 2 }`,
      `  large: { ${SMALL}, parallel: 64 }`,
      'memory: { maxLocalMb: 300 }',
    ])
    const load = (name: string) => box.run(['models', 'load', name, '--policy', policy, '--json'])
    expect((await load('first')).exitCode).toBe(0)
    expect((await load('second')).exitCode).toBe(0)
    expect(await ready()).toEqual(['second'])
    const refused = await load('large')
    expect(refused.exitCode).toBe(4)
    expect(refused.stderr).toContain('Model large needs about')
    expect(await ready()).toEqual(['second'])
  })
})
