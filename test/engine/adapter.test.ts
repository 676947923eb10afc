import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEmbeddedModel } from '../../src/models/embedded/configured.ts'
import { policySchema } from '../../src/spec/policy.ts'
import type { DecideResult } from '../../src/spec/ports.ts'
import { writeLora } from '../support/lora-file.ts'
import { limits, type TestHost, testHost } from './support.ts'

const CALL = { instruction: 'Is the text cheerful?', shots: [], options: ['yes', 'no'], input: 'What a lovely day!' }
const SHAPE = { architecture: 'llama', tensor: 'blk.3.attn_q.weight', size: 576 }

let host: TestHost
let folder = ''
beforeAll(async () => {
  host = await testHost({ contextTokens: 512 })
  folder = mkdtempSync(join(tmpdir(), 'spillway-adapter-'))
})
afterAll(async () => {
  await host.end()
  rmSync(folder, { recursive: true, force: true })
})

async function decideWith(adapter: { readonly path: string; readonly scale?: number } | null): Promise<DecideResult> {
  const { small } = policySchema.parse({
    models: {
      small: {
        provider: 'embedded',
        model: 'smollm2-135m-instruct',
        tier: 'local_fast',
        contextTokens: 512,
        ...(adapter && { adapter }),
      },
    },
  }).models
  if (!small) throw new Error('no model')
  const model = openEmbeddedModel({ name: 'small', policy: small, paths: host.paths, env: process.env })
  try {
    const result = await model.decide?.(CALL, limits())
    if (!result) throw new Error('cannot decide')
    return result
  } finally {
    await model.close()
  }
}

describe('a LoRA adapter', () => {
  it('changes what the model says, by its strength, and is part of its identity', async () => {
    const path = join(folder, 'some.gguf')
    writeLora(path, { ...SHAPE, value: 0.05 })
    const plain = await decideWith(null)
    const weak = await decideWith({ path, scale: 0.01 })
    const strong = await decideWith({ path })
    const margin = (result: DecideResult): number => result.options.find(({ value }) => value === 'yes')?.logprob ?? 0
    expect(margin(weak)).not.toBe(margin(plain))
    expect(Math.abs(margin(strong) - margin(plain))).toBeGreaterThan(Math.abs(margin(weak) - margin(plain)))
    expect(strong.identity.digest).toMatch(/^sha256:b179c9[0-9a-f]+\+sha256:[0-9a-f]{64}@1$/)
    expect(plain.identity.digest).not.toContain('+')
  })

  it('of zeros changes nothing', async () => {
    const path = join(folder, 'zeros.gguf')
    writeLora(path, { ...SHAPE, value: 0 })
    expect((await decideWith({ path })).options).toEqual((await decideWith(null)).options)
  })

  it.each([
    ['is not there', 'gone.gguf', 'model_file_missing', null],
    ['is no GGUF file', 'note.gguf', 'model_file_invalid', 'a note'],
  ])('that %s is a clear failure', async (_, name, code, content) => {
    const path = join(folder, name)
    if (content !== null) writeFileSync(path, content)
    await expect(decideWith({ path })).rejects.toMatchObject({ code })
  })

  it('for another architecture is a failure of the model, and the host goes on', async () => {
    const path = join(folder, 'other.gguf')
    writeLora(path, { ...SHAPE, architecture: 'qwen3', value: 0.05 })
    await expect(decideWith({ path })).rejects.toMatchObject({ code: 'model_failed' })
    expect((await decideWith(null)).options).toHaveLength(2)
  })
})
