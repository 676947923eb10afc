/** Filling a text in with the real engine: a file that says so, made of the installed model by naming three of its unused words. */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import { readGgufHeader } from '../../src/models/embedded/gguf.ts'
import type { ModelCall } from '../../src/spec/ports.ts'
import type { RouterRequest } from '../../src/spec/request.ts'
import { limits, type TestHost, testHost, textOf } from './support.ts'

const KEYS = ['fim_pre', 'fim_suf', 'fim_mid'].map((name) => `tokenizer.ggml.${name}_token_id`)
/** `<repo_name>`, `<reponame>`, `<file_sep>` of SmolLM2. */
const FIRST_TOKEN = 3

let plain: TestHost
let host: TestHost
let folder: string
let path: string
beforeAll(async () => {
  plain = await testHost()
  folder = mkdtempSync(join(tmpdir(), 'spillway-infill-'))
  path = join(folder, 'infill.gguf')
  writeWithKeys(plain.modelPath, path)
  host = await testHost({ path, digest: 'sha256:infill' })
})
afterAll(async () => {
  await plain.end()
  await host.end()
  rmSync(folder, { recursive: true })
})

const call = (before: string, after: string | null): ModelCall => ({
  messages: [{ role: 'user', content: before }, ...(after === null ? [] : [{ role: 'user' as const, content: after }])],
  completion: true,
  maxOutputTokens: 8,
  stream: false,
})

describe('filling a text in', () => {
  it('is known from the header of the file', () => {
    expect(readGgufHeader(plain.modelPath).fillsIn).toBe(false)
    expect(readGgufHeader(path).fillsIn).toBe(true)
  })

  it('gives the model what stands before and what stands after', async () => {
    const here = await textOf(
      host.model.generate(call('The capital of France is', ' and it lies on the Seine.'), limits()),
    )
    const elsewhere = await textOf(host.model.generate(call('The capital of France is', ' 12 + 30 = 42'), limits()))
    const alone = await textOf(host.model.generate(call('The capital of France is', null), limits()))
    expect(new Set([here, elsewhere, alone]).size).toBe(3)
  })

  it('is refused by a model that has no marks for it', async () => {
    const asked = textOf(plain.model.generate(call('a', 'b'), limits()))
    await expect(asked).rejects.toMatchObject({ code: 'request_invalid', values: { path: 'suffix' } })
  })

  it.each([
    ['stays with a local model that can', true],
    ['goes to a frontier, or nowhere, when none can', false],
  ])('%s', async (_, can) => {
    const router = createRouter({
      policy: {
        models: {
          small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', ...(can && { path }) },
          big: { provider: 'openai', model: 'gpt-4.1', tier: 'frontier', apiKey: '${env:NO_SUCH_KEY}' },
        },
        tasks: { autocomplete: { kind: 'text', local: 'small', frontier: 'big', pattern: 'direct', stage: 'accept' } },
      },
      env: process.env,
      paths: host.paths,
      auditDir: mkdtempSync(join(folder, 'audit-')),
    })
    const request: RouterRequest = {
      messages: call('def add(a, b):\n    return', '\n\nprint(add(2, 3))').messages,
      completion: true,
      needs: ['suffix'],
      maxOutputTokens: 8,
      metadata: { task: 'autocomplete' },
    }
    const { decision } = router.route(request)
    expect(decision).toMatchObject(can ? { route: 'local', local: ['small'] } : { route: 'unavailable', local: [] })
    if (can) expect(await router.complete(request)).toMatchObject({ decision: { route: 'local', model: 'small' } })
    else {
      expect(decision.removals).toContainEqual(
        expect.objectContaining({ actor: 'local', reason: 'capability_missing' }),
      )
      await expect(router.complete(request)).rejects.toMatchObject({ code: 'no_model_available' })
    }
    await router.close()
  })
})

/** Three entries more in the header; tensors are found from where it ends, so they are only moved. */
function writeWithKeys(from: string, to: string): void {
  const file = readFileSync(from)
  const at = headerEnds(from)
  const entries = KEYS.map((key, index) => {
    const bytes = Buffer.alloc(8 + key.length + 8)
    bytes.writeBigUInt64LE(BigInt(key.length))
    bytes.write(key, 8)
    bytes.writeUInt32LE(4, 8 + key.length)
    bytes.writeUInt32LE(FIRST_TOKEN + index, 12 + key.length)
    return bytes
  })
  const head = Buffer.from(file.subarray(0, at.metadata))
  head.writeBigUInt64LE(head.readBigUInt64LE(16) + BigInt(KEYS.length), 16)
  const header = Buffer.concat([head, ...entries, file.subarray(at.metadata, at.tensors)])
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32)
  const target = openSync(to, 'w')
  for (const part of [header, padding, file.subarray(Math.ceil(at.tensors / 32) * 32)]) writeSync(target, part)
  closeSync(target)
}

/** Where the metadata ends, and where the list of tensors does. */
function headerEnds(from: string): { readonly metadata: number; readonly tensors: number } {
  const handle = openSync(from, 'r')
  const head = Buffer.alloc(8_000_000)
  readSync(handle, head, 0, head.length, 0)
  closeSync(handle)
  let at = 24
  const advance = (bytes: number): number => {
    at += bytes
    return at - bytes
  }
  const u32 = (): number => head.readUInt32LE(advance(4))
  const u64 = (): number => Number(head.readBigUInt64LE(advance(8)))
  const skip = (type: number): void => {
    if (type === 8) advance(u64())
    else if (type === 9) {
      const inner = u32()
      for (let left = u64(); left > 0; left -= 1) skip(inner)
    } else advance(WIDTHS[type] ?? 0)
  }
  for (let left = Number(head.readBigUInt64LE(16)); left > 0; left -= 1) {
    advance(u64())
    skip(u32())
  }
  const metadata = at
  for (let left = Number(head.readBigUInt64LE(8)); left > 0; left -= 1) {
    advance(u64())
    advance(8 * u32())
    advance(12)
  }
  return { metadata, tensors: at }
}

/** Bytes of a metadata value by its type. */
const WIDTHS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
