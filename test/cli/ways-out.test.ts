/** A machine that reaches no model hub: the failure names six ways on, and each of them works. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findInCatalog } from '../../src/models/catalog.ts'
import { fileOnDisk } from '../../src/models/fetch/locate.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { actAsOllama, lastLine, line, lines } from '../support/ollama-answers.ts'
import { startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

const NAME = 'smollm2-135m-instruct'
const entry = findInCatalog(NAME)
const real = resolvePaths(process.env, process.platform)
const file = entry ? (fileOnDisk(entry, real) ?? '') : ''
const sha256 = entry?.hub?.sha256 ?? ''

let box: Sandbox
beforeEach(() => {
  box = sandbox({ data: 'fresh' })
})
afterEach(() => box.close())

/** Nothing but this machine: no hub, no packages, no files of other programs. */
const cutOff = (): NodeJS.ProcessEnv => ({
  HOME: join(box.folder, 'home'),
  HF_ENDPOINT: 'http://127.0.0.1:9',
  PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
  PIP_NO_INDEX: '1',
  PIP_FIND_LINKS: '',
  PIP_RETRIES: '0',
})
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> =>
  box.run(args, { env: { ...cutOff(), ...env } })

/** The engine comes through npm, or in a bundle; here it is there already. */
function haveEngine(): void {
  const { dataDir } = resolvePaths(box.env, process.platform)
  mkdirSync(dataDir, { recursive: true })
  symlinkSync(join(real.dataDir, 'engine'), join(dataDir, 'engine'))
}

function place(path: string): string {
  mkdirSync(dirname(path), { recursive: true })
  try {
    linkSync(file, path)
  } catch {
    symlinkSync(file, path)
  }
  return path
}

async function answersLocally(): Promise<void> {
  const { stdout, stderr } = await run(['ask', '--json', '--labels', 'fruit,vehicle', 'A ripe banana'])
  expect(stderr).not.toContain('error')
  expect(JSON.parse(stdout)).toMatchObject({ attempts: [{ actor: 'local', outcome: 'answered' }] })
}

describe('without a model hub', () => {
  it('a pull names six ways on, and doctor does, too', async () => {
    const pulled = await run(['models', 'pull', NAME])
    expect(pulled.exitCode).toBe(3)
    const doctor = await run(['doctor', '--network', '--json'])
    const { waysOut } = JSON.parse(doctor.stdout) as {
      waysOut: readonly { way: string; commands: readonly string[] }[]
    }
    expect(waysOut).toHaveLength(6)
    for (const { way, commands } of waysOut)
      for (const part of [way, ...commands]) expect(pulled.stderr).toContain(part)
  })

  it('init says how to go on, and leaves no file that would stand in the way', async () => {
    haveEngine()
    const { exitCode, stderr } = await run(['init', '--yes'])
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('Six ways on')])
    expect(existsSync(join(box.folder, 'spillway.yaml'))).toBe(false)
  })

  it('1: a file of another program is found, added and used', async () => {
    haveEngine()
    const store = join(box.folder, 'home', '.ollama', 'models')
    place(join(store, 'blobs', `sha256-${sha256}`))
    const manifest = join(store, 'manifests', 'registry.ollama.ai', 'library', 'smollm2', '135m')
    mkdirSync(dirname(manifest), { recursive: true })
    const layer = { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${sha256}` }
    writeFileSync(manifest, JSON.stringify({ layers: [layer] }))
    expect((await run(['models', 'add', '--scan'])).stdout).toContain('smollm2:135m')
    expect((await run(['models', 'add', 'smollm2:135m'])).exitCode).toBe(0)
    await answersLocally()
    expect((await run(['init', '--json'])).stdout).toContain('"model":"smollm2-135m"')
  })

  it('2: a mirror gives the same file', async () => {
    haveEngine()
    const mirror = await startMirror()
    try {
      const { port } = mirror.address() as AddressInfo
      const pulled = await run(['models', 'pull', NAME, '--json'], { HF_ENDPOINT: `http://127.0.0.1:${port}` })
      expect(JSON.parse(pulled.stdout)).toMatchObject({ source: 'hub', sha256 })
    } finally {
      mirror.close()
    }
    await answersLocally()
  })

  it('3: a file is added when its hash is right, and refused when it is not', async () => {
    haveEngine()
    const own = place(join(box.folder, 'carried.gguf'))
    const wrong = await run(['models', 'add', own, '--sha256', 'a'.repeat(64)])
    expect([wrong.exitCode, wrong.stderr]).toEqual([3, expect.stringContaining('expected')])
    expect((await run(['models', 'add', own, '--sha256', sha256])).exitCode).toBe(0)
    await answersLocally()
  })

  it('4: a bundle of another machine brings engine and model', async () => {
    const tar = join(box.folder, 'spillway.tar')
    const other = sandbox()
    try {
      const made = await other.run(['bundle', 'create', tar, '--engine', '--model', NAME])
      expect(made.stderr + made.exitCode).toBe('0')
    } finally {
      await other.close()
    }
    expect((await run(['bundle', 'install', tar])).exitCode).toBe(0)
    await answersLocally()
  })

  it('5: a server that is there is written down and used', async () => {
    const server = await startScriptedCloud()
    try {
      actAsOllama(server, [], { '/api/chat': lines([line({ content: 'Hello.' }), lastLine()]) })
      expect((await run(['init', '--local', server.url])).exitCode).toBe(0)
      const { stdout } = await run(['ask', '--json', 'Say hello.'])
      expect(JSON.parse(stdout)).toMatchObject({ answer: 'Hello.', attempts: [{ servedBy: 'qwen3:8b' }] })
    } finally {
      await server.close()
    }
  })

  it('6: without a local model exact answers go on', async () => {
    expect((await run(['init', '--local', 'none'])).exitCode).toBe(0)
    expect((await run(['ask', 'What is 12.5% of 480?'])).stdout).toBe('60\n')
    const open = await run(['ask', 'Say hello.'])
    expect([open.exitCode, open.stderr]).toEqual([3, expect.stringContaining('fix')])
  })
})

/** Serves the one file under the path that a hub has it at. */
async function startMirror(): Promise<Server> {
  const sizeBytes = Number(execFileSync('wc', ['-c', file], { encoding: 'utf8' }).trim().split(' ')[0])
  const server = createServer((request, response) => {
    if (!request.url?.endsWith(`/${entry?.hub?.file}`)) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': sizeBytes })
    if (request.method === 'HEAD') response.end()
    else createReadStream(file).pipe(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
