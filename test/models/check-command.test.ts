/** Real processes: what a command over an answer may do, and what becomes of code that means harm. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCheckRunner } from '../../src/models/check-command.ts'
import { sandboxObstacle } from '../../src/models/check-sandbox.ts'
import type { CheckRun } from '../../src/spec/check-run.ts'

const settings = { path: process.env.PATH ?? '', hidden: [homedir()] }
const canShutIn = sandboxObstacle() === null
const onLinux = process.platform === 'linux'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-test-'))
  writeFileSync(join(folder, 'sum.test.js'), "if (require('./answer.js')(2, 3) !== 5) process.exit(7)")
})
afterAll(() => rmSync(folder, { recursive: true }))

const check = (change: Partial<CheckRun> & { readonly code?: string } = {}): CheckRun => ({
  command: [process.execPath, 'answer.js'],
  file: { name: 'answer.js', text: change.code ?? '' },
  folder: null,
  timeoutMs: 30_000,
  memoryMb: 512,
  maxOutputBytes: 10_000,
  isolation: 'preferred',
  signal: new AbortController().signal,
  ...change,
})

/** Folders that checks have left in the temporary directory. */
const left = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('spillway-check-'))

describe.each([['within its limits alone', false], ...(canShutIn ? ([['shut in', true]] as const) : [])] as const)(
  'a command over an answer, %s',
  (_, isShut) => {
    const runner = createCheckRunner({ ...settings, obstacle: () => (isShut ? null : 'the test says so') })

    it('accepts by exit code, with the files of its folder beside the answer', async () => {
      const run = { folder, command: [process.execPath, 'sum.test.js'] }
      const right = await runner.run(check({ ...run, code: 'module.exports = (a, b) => a + b' }))
      expect(right).toEqual({ state: 'exited', exitCode: 0, isolated: isShut })
      const wrong = await runner.run(check({ ...run, code: 'module.exports = (a, b) => a * b' }))
      expect(wrong).toMatchObject({ state: 'exited', exitCode: 7 })
      const broken = await runner.run(check({ ...run, code: 'module.exports = (' }))
      expect(broken).toMatchObject({ state: 'exited', exitCode: 1 })
      expect(left()).toEqual([])
    })

    it('finds a program on PATH, and says when there is none', async () => {
      expect(await runner.run(check({ command: ['sh', '-c', 'exit 3'] }))).toMatchObject({ exitCode: 3 })
      expect(await runner.run(check({ command: ['no-such-program-here'] }))).toEqual({
        state: 'not_run',
        why: 'no-such-program-here is not an executable on PATH',
      })
    })

    it('reads no environment but PATH, HOME, TMPDIR, LANG and its own mark', async () => {
      process.env.SPILLWAY_TEST_SECRET = 'do not leak'
      const code = `
      const odd = Object.keys(process.env).filter((name) => !['PATH', 'HOME', 'TMPDIR', 'LANG', 'SPILLWAY_CHECK', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))
      process.exit(odd.length)`
      const result = await runner.run(check({ code }))
      delete process.env.SPILLWAY_TEST_SECRET
      expect(result).toMatchObject({ state: 'exited', exitCode: 0 })
    })

    it('is ended with all it started when its time is over', async () => {
      const marker = join(tmpdir(), `check-marker-${process.pid}`)
      const code = `
      const { spawn } = require('node:child_process')
      // One that leaves the session, and one that lost its parent.
      spawn('sh', ['-c', 'setsid sh -c "sleep 3; touch ${marker}" &'], { detached: true, stdio: 'ignore' }).unref()
      spawn('sleep', ['61343'], { detached: true }).unref()
      setInterval(() => {}, 1000)`
      const result = await runner.run(check({ code, timeoutMs: 1500 }))
      expect(result).toMatchObject({ state: 'stopped', why: 'time' })
      if (onLinux) expect(sleepers()).toEqual([])
      expect(existsSync(marker)).toBe(false)
      expect(left()).toEqual([])
    })

    it('leaves nothing running when it ends by itself', async () => {
      const code = `
      require('node:child_process').spawn('sleep', ['61343'], { detached: true, stdio: 'ignore' }).unref()
      process.exit(0)`
      expect(await runner.run(check({ code }))).toMatchObject({ state: 'exited', exitCode: 0 })
      if (onLinux) expect(sleepers()).toEqual([])
    })

    it('is ended when it floods its output', async () => {
      const result = await runner.run(check({ command: ['sh', '-c', 'yes'] }))
      expect(result).toMatchObject({ state: 'stopped', why: 'output' })
    })

    it.runIf(onLinux)('is ended when it takes more memory than it may, in one process or in several', async () => {
      const hog = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 5)'
      expect(await runner.run(check({ code: hog, memoryMb: 300 }))).toMatchObject({ state: 'stopped', why: 'memory' })
      const children = `
      const { spawn } = require('node:child_process')
      for (let i = 0; i < 3; i += 1) spawn(process.execPath, ['-e', 'globalThis.b = Buffer.alloc(2e8, 1); setInterval(() => {}, 1000)'])
      setInterval(() => {}, 1000)`
      expect(await runner.run(check({ code: children, memoryMb: 400 }))).toMatchObject({
        state: 'stopped',
        why: 'memory',
      })
    })

    it.runIf(onLinux)('is ended when it forks without end', async () => {
      const bomb = ['sh', '-c', 'f() { sleep 61343 & f; }; f']
      const result = await runner.run(check({ command: bomb }))
      expect(result).toMatchObject({ state: 'stopped', why: 'processes' })
      expect(sleepers()).toEqual([])
    })

    it('ends with the request of its caller', async () => {
      const caller = new AbortController()
      const running = runner.run(check({ command: ['sleep', '61343'], signal: caller.signal }))
      setImmediate(() => caller.abort())
      await expect(running).rejects.toMatchObject({ code: 'cancelled' })
      if (onLinux) expect(sleepers()).toEqual([])
      expect(left()).toEqual([])
    })

    it('does not run without namespaces where they are required', async () => {
      const result = await runner.run(check({ isolation: 'required', code: '' }))
      expect(result.state).toBe(isShut ? 'exited' : 'not_run')
    })
  },
)

describe.runIf(canShutIn)('a command that is shut in', () => {
  const runner = createCheckRunner(settings)
  const run = async (code: string): Promise<unknown> => {
    const result = await runner.run(check({ code: `const fs = require('node:fs')\n${code}` }))
    return result.state === 'exited' ? result.exitCode : result
  }

  it('finds home and temporary folders empty, and its own working directory', async () => {
    const secret = join(tmpdir(), `check-secret-${process.pid}`)
    mkdirSync(secret)
    const code = `
      const hidden = [${JSON.stringify(homedir())}, '/run', '/root'].filter((folder) => fs.existsSync(folder))
      const seen = hidden.flatMap((folder) => fs.readdirSync(folder))
      process.exit(seen.length + fs.readdirSync('/tmp').length - 1)`
    expect(await run(code)).toBe(0)
    rmSync(secret, { recursive: true })
  })

  it('can write nowhere else, not even after an attempt to mount', async () => {
    const code = `
      const { spawnSync } = require('node:child_process')
      spawnSync('unshare', ['-Urm', 'sh', '-c', 'umount /root; mount -o remount,rw /; touch /etc/check-was-here'])
      spawnSync('umount', ['/root'])
      fs.writeFileSync('own.txt', 'fine')
      for (const place of ['/etc/check-was-here', '/usr/check-was-here', '/root/check-was-here'])
        try { fs.writeFileSync(place, 'x'); process.exit(9) } catch {}
      process.exit(fs.existsSync('/etc/check-was-here') ? 8 : 0)`
    expect(await run(code)).toBe(0)
    expect(existsSync('/etc/check-was-here')).toBe(false)
  })

  it('has no network and sees no other process', async () => {
    const code = `
      const up = Object.keys(require('node:os').networkInterfaces()).length
      const others = fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length
      process.exit(up * 10 + others - 1)`
    expect(await run(code)).toBe(0)
  })
})

/** Processes of this machine that sleep as the commands above do. */
function sleepers(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const state = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.[0]
        return state !== 'Z' && readFileSync(`/proc/${name}/cmdline`, 'utf8') === 'sleep\x300\0'
      } catch {
        return false
      }
    })
}
