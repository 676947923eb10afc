import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { templateFile } from '../../src/cli/context.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'
import { openAuditLog } from '../../src/stores/audit-log.ts'
import { SETTINGS, settle } from '../stores/entries.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let paths: Paths
let elsewhere = ''
beforeEach(async () => {
  box = sandbox({ data: 'fresh' })
  paths = resolvePaths(box.env, process.platform)
  elsewhere = join(box.folder, 'ollama')
  mkdirSync(join(paths.dataDir, 'models', 'mine'), { recursive: true })
  writeFileSync(join(paths.dataDir, 'models', 'mine', 'a.gguf'), 'x'.repeat(5000))
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'blob.gguf'), 'of Ollama')
  symlinkSync(elsewhere, join(paths.dataDir, 'models', 'linked'))
  const models = [{ name: 'theirs', path: join(elsewhere, 'blob.gguf'), sha256: null, sizeBytes: 9 }]
  writeFileSync(join(paths.dataDir, 'models', 'registered.json'), JSON.stringify({ format: 1, models }))
  mkdirSync(join(paths.cacheDir, 'digests'), { recursive: true })
  const log = openAuditLog({ stateDir: paths.stateDir, ...SETTINGS })
  log.journal.append(settle('a'))
  await log.close()
})
afterEach(() => box.close())

describe('spillway uninstall', () => {
  it('lists with sizes and removes nothing until it is told to', async () => {
    const { exitCode, stdout } = await box.run(['uninstall', '--json'])
    expect(exitCode).toBe(0)
    const { removed, own, left } = JSON.parse(stdout)
    expect(removed).toBe(false)
    const names = own.map(({ path }: { path: string }) => path)
    expect(names).toEqual(['models', 'digests', 'audit'].map((name) => expect.stringMatching(`/${name}$`)))
    expect(own[0].sizeBytes).toBeGreaterThan(5000)
    expect(own[0].sizeBytes).toBeLessThan(6000)
    expect(left).toEqual([{ path: join(elsewhere, 'blob.gguf'), why: 'model theirs, of another program or yours' }])
    expect(existsSync(join(paths.stateDir, 'audit', 'audit.db'))).toBe(true)
  })

  it('removes what is ours and nothing else: no link is followed, no foreign file touched', async () => {
    const own = join(paths.stateDir, 'letter.txt')
    writeFileSync(own, 'mine')
    // Of a process that died.
    writeFileSync(join(paths.stateDir, 'keys.json.lock'), '4000000 x')
    mkdirSync(paths.configDir, { recursive: true })
    const policy = join(paths.configDir, 'spillway.yaml')
    writeFileSync(policy, 'tasks: {}')
    symlinkSync(elsewhere, join(paths.cacheDir, 'probes'))
    const { exitCode, stdout } = await box.run(['uninstall', '--yes'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`left ${own} (not written by Spillway)`)
    expect(stdout).toContain(`left ${policy} (your own policy)`)
    expect(stdout).toContain(`left ${join(paths.cacheDir, 'probes')} (a link; what it points to is not touched)`)
    expect(readFileSync(join(elsewhere, 'blob.gguf'), 'utf8')).toBe('of Ollama')
    expect(existsSync(paths.dataDir)).toBe(false)
    expect(existsSync(join(paths.stateDir, 'audit'))).toBe(false)
    expect([own, policy].every((path) => existsSync(path))).toBe(true)
    expect(existsSync(join(paths.stateDir, 'keys.json.lock'))).toBe(false)
  })

  it('takes the policy that init wrote and nobody changed, and folders that are links stay', async () => {
    mkdirSync(paths.configDir, { recursive: true })
    writeFileSync(join(paths.configDir, 'spillway.yaml'), readFileSync(templateFile('agent')))
    rmSync(paths.cacheDir, { recursive: true })
    symlinkSync(elsewhere, paths.cacheDir)
    const { stdout } = await box.run(['uninstall', '--yes', '--json'])
    expect(JSON.parse(stdout).left).toContainEqual({ path: paths.cacheDir, why: expect.stringContaining('a link') })
    expect(existsSync(paths.configDir)).toBe(false)
    expect(readFileSync(join(elsewhere, 'blob.gguf'), 'utf8')).toBe('of Ollama')
  })

  it('refuses while a process writes the audit', async () => {
    const log = openAuditLog({ stateDir: paths.stateDir, ...SETTINGS })
    log.journal.append(settle('b'))
    const { exitCode, stderr } = await box.run(['uninstall', '--yes'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`process ${process.pid} writes to it`)])
    await log.close()
    expect(existsSync(join(paths.stateDir, 'audit', 'audit.db'))).toBe(true)
  })

  it('refuses while a server serves', async () => {
    writeFileSync(join(box.folder, 'spillway.yaml'), 'tasks: { chat: { local: false } }')
    const child = box.start(['serve', '--port', '0', '--json'])
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const { exitCode, stderr } = await box.run(['uninstall', '--yes', '--json'])
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('close', resolve))
    expect(exitCode).toBe(1)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error).toMatchObject({
      code: 'in_use',
      fix: 'Stop `spillway serve`.',
    })
    const { exitCode: removed, stdout } = await box.run(['uninstall', '--yes', '--json'])
    expect(removed).toBe(0)
    expect(JSON.parse(stdout).left).toEqual([{ path: join(elsewhere, 'blob.gguf'), why: expect.any(String) }])
    expect([paths.stateDir, paths.dataDir, paths.cacheDir].filter((path) => existsSync(path))).toEqual([])
  })
})
