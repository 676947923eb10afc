import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locateModel } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { tinyGguf } from '../support/tiny-gguf.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

let box: Sandbox
let home: { readonly HOME: string; readonly OLLAMA_MODELS: string }
beforeAll(() => {
  box = sandbox({ data: 'fresh' })
  const store = join(box.folder, 'home', '.ollama', 'models')
  home = { HOME: join(box.folder, 'home'), OLLAMA_MODELS: store }
  const paths = resolvePaths(process.env, process.platform)
  const real = locateModel({ name: 'smollm2-135m-instruct', path: null, env: {}, paths }).path
  const manifest = join(store, 'manifests', 'registry.ollama.ai', 'library', 'smollm2', '135m')
  mkdirSync(dirname(manifest), { recursive: true })
  mkdirSync(join(store, 'blobs'))
  const layer = { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${SHA256}` }
  writeFileSync(manifest, JSON.stringify({ layers: [layer] }))
  symlinkSync(real, join(store, 'blobs', `sha256-${SHA256}`))
})
afterAll(() => box.close())

const run = (...args: readonly string[]) => box.run(args, { env: home })
const json = async (...args: readonly string[]) => JSON.parse((await run(...args, '--json')).stdout)

describe('models list', () => {
  it('gives every open model in every quantisation with a verdict for this machine', async () => {
    const { models, contextTokens, availableBytes } = await json('models', 'list', '--fits')
    expect(models).toHaveLength(34)
    expect(contextTokens).toBe(8192)
    expect(availableBytes).toBeGreaterThan(0)
    expect(models.at(-1)).toMatchObject({
      name: 'kimi-k2',
      quantisation: 'Q8_0',
      verdict: 'no',
      largestContextTokens: 0,
    })
  })

  it('gives a verdict for the files that are here, by their own headers', async () => {
    const file = join(box.folder, 'Fits-Here.gguf')
    writeFileSync(file, tinyGguf())
    await json('models', 'add', file)
    writeFileSync(join(box.folder, 'gone.gguf'), tinyGguf())
    await json('models', 'add', join(box.folder, 'gone.gguf'))
    rmSync(join(box.folder, 'gone.gguf'))
    const { here, unusable } = await json('models', 'list', '--fits')
    expect(here).toMatchObject([{ name: 'fits-here', path: file, weightBytes: 256, verdict: 'fits' }])
    expect(unusable).toMatchObject([{ name: 'gone', why: expect.stringContaining('gone.gguf') }])
    expect(await json('models', 'list', '--fits', '--workload', 'edge')).not.toHaveProperty('here')
    await json('models', 'remove', 'gone')
    await json('models', 'remove', 'fits-here')
  })

  it('gives the models of one class of work with the sources of the figures', async () => {
    const { workloads, models, replacesMeans } = await json('models', 'list', '--workload', 'volume')
    expect(workloads).toMatchObject([{ name: 'volume', replaces: 'small cloud models (Claude Haiku class)' }])
    expect(models.map(({ name }: { readonly name: string }) => name)).toEqual(['qwen3-8b', 'llama-3.1-8b'])
    expect(models[1]).toMatchObject({ cacheBytesPerToken: 131_072, parameters: { source: { verified: true } } })
    expect(replacesMeans).toContain('not a benchmark')
  })
})

describe('models add', () => {
  it('finds a model of Ollama, registers it, and forgets it again', { timeout: 60_000 }, async () => {
    const { found } = await json('models', 'add', '--scan')
    expect(found).toMatchObject([{ name: 'smollm2:135m', store: 'ollama', quantisation: 'Q4_1', sha256: SHA256 }])
    const added = await json('models', 'add', 'smollm2:135m', '--name', 'small')
    expect(added).toMatchObject({ name: 'small', sha256: SHA256, sizeBytes: 98_362_432 })
    const listed = await json('models', 'list')
    expect(listed.registered).toEqual([added])
    const pulled = await json('models', 'pull', 'small')
    expect(pulled).toEqual({ name: 'small', path: added.path, sha256: SHA256, source: 'path' })
    expect(await json('models', 'remove', 'small')).toEqual(added)
    expect(existsSync(added.path)).toBe(true)
    expect((await json('models', 'list')).registered).toEqual([])
  })

  it('registers a file by its path under a name made from the file', async () => {
    const file = join(box.folder, 'Tiny-Model.gguf')
    writeFileSync(file, tinyGguf())
    expect(await json('models', 'add', file)).toMatchObject({ name: 'tiny-model', path: file })
    expect(await json('models', 'remove', 'tiny-model')).toMatchObject({ path: file })
  })
})

describe('models pull', () => {
  it('goes on where it stopped after its process was killed, and takes over its lock', {
    timeout: 60_000,
  }, async () => {
    const file = tinyGguf()
    const asked: unknown[] = []
    const server = createServer((request, response) => {
      const { range, 'if-range': condition } = request.headers
      asked.push([request.url, range, condition])
      const headers = { etag: '"one"', 'x-linked-etag': `"${createHash('sha256').update(file).digest('hex')}"` }
      if (range === undefined) {
        response.writeHead(200, { ...headers, 'content-length': file.length })
        response.write(file.subarray(0, 200))
        return
      }
      const content = `bytes 200-${file.length - 1}/${file.length}`
      response.writeHead(206, { ...headers, 'content-range': content }).end(file.subarray(200))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const env = { ...home, HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    const folder = join(String(box.env.XDG_DATA_HOME), 'spillway', 'models')
    const part = join(folder, 'killed', 'tiny.gguf.part')
    const args = ['models', 'pull', 'hf:org/repo/tiny.gguf', '--name', 'killed', '--json']
    const child = box.start(args, env)
    const gone = once(child, 'exit')
    while (!existsSync(part) || statSync(part).size < 200) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGKILL')
    expect(await gone).toEqual([null, 'SIGKILL'])
    expect(existsSync(`${join(folder, 'killed')}.lock`)).toBe(true)
    const { exitCode, stdout } = await box.run(args, { env })
    server.closeAllConnections()
    server.close()
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, name: 'killed', checkedAgainst: 'hub' })
    expect(asked).toEqual([
      ['/org/repo/resolve/main/tiny.gguf', undefined, undefined],
      ['/org/repo/resolve/main/tiny.gguf', 'bytes=200-', '"one"'],
    ])
    expect(readFileSync(join(folder, 'killed', 'tiny.gguf'))).toEqual(file)
    expect(readdirSync(folder).filter((name) => name.startsWith('killed'))).toEqual(['killed'])
    expect(readdirSync(join(folder, 'killed'))).toEqual(['tiny.gguf'])
  })
})

describe('bundle', () => {
  it('brings a machine without network to an answer of the local model', { timeout: 120_000 }, async () => {
    const bundle = join(box.folder, 'all.tar')
    const data = join(resolvePaths(process.env, process.platform).dataDir, '..')
    const create = ['bundle', 'create', bundle, '--model', 'smollm2-135m-instruct', '--engine', '--json']
    expect((await box.run(create, { env: { XDG_DATA_HOME: data } })).exitCode).toBe(0)
    const nowhere = 'http://127.0.0.1:9'
    const env = {
      XDG_DATA_HOME: join(box.folder, 'elsewhere'),
      HF_ENDPOINT: nowhere,
      PIP_INDEX_URL: nowhere,
      npm_config_registry: nowhere,
    }
    const installed = JSON.parse((await box.run(['bundle', 'install', bundle, '--json'], { env })).stdout)
    expect(installed).toMatchObject({ engine: { state: 'installed' }, models: [{ sha256: SHA256 }] })
    const ask = ['ask', '--labels', 'positive,negative', '--prompt', 'I love this film', '--json']
    const { exitCode, stdout } = await box.run(ask, { env })
    expect(exitCode).toBe(0)
    const { answer, decision } = JSON.parse(stdout)
    expect(decision).toMatchObject({ route: 'local', tier: 'local_fast' })
    expect(['positive', 'negative']).toContain(answer)
  })

  it('is made of a registered model and refused when it is damaged', async () => {
    const file = join(box.folder, 'bundled.gguf')
    writeFileSync(file, tinyGguf())
    await json('models', 'add', file)
    const made = await json('bundle', 'create', 'b.tar', '--model', 'bundled')
    expect(made).toMatchObject({
      engine: null,
      models: [{ name: 'bundled', file: 'models/bundled/bundled.gguf' }],
      files: 1,
    })
    await json('models', 'remove', 'bundled')
    expect((await json('bundle', 'install', 'b.tar')).models).toMatchObject([{ name: 'bundled' }])
    writeFileSync(join(box.folder, 'torn.tar'), 'torn')
    const { exitCode, stdout, stderr } = await run('bundle', 'install', 'torn.tar', '--json')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(JSON.parse(stderr).error.message).toBe('The bundle torn.tar cannot be used: it is cut off.')
  })
})

describe('bad input', () => {
  it.each([
    [['models', 'list', '--workload', 'heavy'], 'There is no workload heavy.'],
    [['models', 'list', '--presets', '--fits'], '--presets lists providers, not models.'],
    [['models', 'add'], 'No model is named.'],
    [['models', 'add', 'nothing-here'], 'There is no model file nothing-here.'],
    [['models', 'add', '--scan', 'x'], '--scan only looks.'],
    [['models', 'add', 'smollm2:135m', '--hash'], '--hash belongs to --scan.'],
    [['models', 'add', 'smollm2:135m', '--name', 'a/b'], 'a/b cannot be a model name.'],
    [['models', 'add', 'smollm2:135m', '--name', 'registered.json'], 'registered.json cannot be a model name.'],
    [['models', 'add', 'smollm2:135m', '--name', 'smollm2-135m-instruct'], 'is a name of the catalogue.'],
    [['models', 'add', 'smollm2:135m', '--sha256', 'abc'], '--sha256 abc is not a sha256.'],
    [['models', 'add', '.'], 'is not a file.'],
    [['models', 'remove', 'nobody'], 'There is no registered model nobody.'],
    [['models', 'pull', 'nobody'], 'There is no model nobody.'],
    [['models', 'pull', 'qwen3-8b'], 'There is no file for model qwen3-8b.'],
    [['models', 'pull', 'hf:owner/repo'], 'hf:owner/repo names no GGUF file.'],
    [['models', 'pull', 'http://example.com/f.gguf'], 'http://example.com is not encrypted.'],
    [['models', 'pull', 'smollm2-135m-instruct', '--name', 'x'], '--name and --sha256 belong to a reference.'],
    [['bundle', 'create', 'x.tar'], 'The bundle would be empty.'],
    [['bundle', 'create', 'no/such/x.tar', '--engine'], 'There is no folder '],
    [['bundle', 'create', '.', '--engine'], '. is a folder.'],
    [['bundle', 'install', 'nowhere.tar'], 'The bundle nowhere.tar cannot be used: there is no such file.'],
  ])('%j ends with exit code 2, the reason and what to do', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/fix \S/)
  })
})
