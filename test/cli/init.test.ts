/** `spillway init` as a process: without a terminal, with one, and with what cannot be. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { actAsOllama } from '../support/ollama-answers.ts'
import { json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

let box: Sandbox
let server: ScriptedCloud
beforeEach(async () => {
  box = sandbox({ data: 'fresh' })
  server = await startScriptedCloud()
})
afterEach(async () => {
  await box.close()
  await server.close()
})

const written = (name = 'spillway.yaml'): string => readFileSync(join(box.folder, name), 'utf8')

describe('init without a terminal', () => {
  it('asks nothing, writes the shipped template where nothing is here, and never over a file', async () => {
    const first = await box.run(['init', '--template', 'log-triage', '--json'])
    expect([first.exitCode, JSON.parse(first.stdout)]).toEqual([
      0,
      expect.objectContaining({ template: 'log-triage', file: 'spillway.yaml', installed: [] }),
    ])
    expect(written()).toBe(readFileSync(resolve(import.meta.dirname, '../../templates/log-triage.yaml'), 'utf8'))
    const again = await box.run(['init'])
    expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining('overwrite it with --force')])
    expect((await box.run(['init', '--force', '--frontier', 'none'])).exitCode).toBe(0)
    expect(written()).not.toContain('haiku')
  })

  it('writes down the models that are here', async () => {
    actAsOllama(server, [])
    const env = { OLLAMA_HOST: new URL(server.url).host }
    const { stdout } = await box.run(['init', '--json', '--template', 'support-tickets'], { env })
    expect(JSON.parse(stdout).models[0]).toEqual({
      name: 'small',
      provider: 'ollama',
      model: 'qwen3:8b',
      tier: 'local_fast',
    })
    expect(written()).toContain('  # Ollama on this machine.\n  small:\n    provider: ollama\n    model: qwen3:8b\n')
    const checked = await box.run(['policy', 'check', '--json'], { env })
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true })
  })

  it('writes down a server that is given by address, local here and a frontier elsewhere', async () => {
    const list = json({ object: 'list', data: [{ id: 'Qwen/Qwen3-4B', owned_by: 'vllm', max_model_len: 8192 }] })
    server.otherwise((request) => (request.path === '/v1/models' ? list : json({}, { status: 404 })) as typeof list)
    expect((await box.run(['init', 'here.yaml', '--local', server.openAiBaseUrl])).exitCode).toBe(0)
    expect(written('here.yaml')).toContain('    model: Qwen/Qwen3-4B\n    tier: local_fast\n')
    expect((await box.run(['init', 'there.yaml', '--frontier', server.openAiBaseUrl])).exitCode).toBe(0)
    expect(written('there.yaml')).toContain(
      '  server:\n    provider: openai\n    model: Qwen/Qwen3-4B\n    tier: frontier\n',
    )
    expect(written('there.yaml')).toContain('    frontier: server\n')
  })

  it('refuses a frontier where nothing may leave, and writes nothing', async () => {
    const { exitCode, stderr } = await box.run(['init', '--template', 'private-notes', '--frontier', 'openai'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('nothing leaves this machine')])
    expect(existsSync(join(box.folder, 'spillway.yaml'))).toBe(false)
  })
})

/** util-linux runs a program in a terminal of its own. */
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

/** Types each key once its question is on the screen. */
async function inTerminal(steps: readonly (readonly [question: string, keys: string])[]): Promise<void> {
  const command = `stty cols 120 rows 40; exec "${process.execPath}" "${MAIN}" init wizard.yaml`
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: box.folder, env: box.env })
  const closed = once(child, 'close')
  let screen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
  })
  for (const [question, keys] of steps) {
    await expect.poll(() => screen).toContain(question)
    child.stdin.write(keys)
  }
  await closed
}

const NEXT = '\x1b[B\r'

describe.skipIf(!hasTerminal)('init in a terminal', () => {
  it('asks, takes what is chosen, and writes the same file as flags do', async () => {
    await inTerminal([
      ['What is it for?', NEXT],
      ['Who answers first', NEXT],
      ['Who answers what is too hard?', NEXT],
    ])
    await box.run(['init', 'flags.yaml', '--template', 'log-triage', '--local', 'none', '--frontier', 'none'])
    expect(written('wizard.yaml')).toBe(written('flags.yaml'))
  })

  it('writes nothing when a person breaks off', async () => {
    await inTerminal([['What is it for?', '\x03']])
    expect(existsSync(join(box.folder, 'wizard.yaml'))).toBe(false)
  })
})
