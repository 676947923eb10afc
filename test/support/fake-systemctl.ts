/** A `systemctl` that runs one user unit as a process, for machines whose systemd has no session. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CODE = `
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
const pidFile = join(import.meta.dirname, 'unit.pid')
const [scope, verb] = process.argv.slice(2)
if (scope !== '--user') process.exit(64)
const unit = join(process.env.XDG_CONFIG_HOME, 'systemd', 'user', 'spillway.service')
const pid = () => existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : null
const lives = (id) => { try { process.kill(id, 0); return true } catch { return false } }
const stop = async () => {
  const id = pid()
  if (id !== null && lives(id)) { process.kill(id, 'SIGTERM'); while (lives(id)) await delay(20) }
  rmSync(pidFile, { force: true })
}
const words = (line) => [...line.matchAll(/"((?:[^"\\\\]|\\\\.)*)"|(\\S+)/g)].map(([, q, plain]) => (q ?? plain).replace(/\\\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'))
if (verb === 'restart') {
  await stop()
  const text = readFileSync(unit, 'utf8')
  const [program, ...args] = words(/^ExecStart=(.*)$/m.exec(text)[1])
  const variables = Object.fromEntries([...text.matchAll(/^Environment=(.*)$/gm)].map(([, line]) => words(line)[0]).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const child = spawn(program, args, { cwd: /^WorkingDirectory=(.*)$/m.exec(text)[1], env: { HOME: process.env.HOME, PATH: process.env.PATH, ...variables }, detached: true, stdio: 'ignore' })
  writeFileSync(pidFile, String(child.pid))
  child.unref()
} else if (verb === 'disable') await stop()
else if (verb === 'is-active') process.exit(pid() !== null && lives(pid()) ? 0 : 3)
`

/** @returns the folder for the PATH */
export function fakeSystemctl(folder: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'systemctl.mjs'), CODE)
  const program = join(folder, 'systemctl')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, 'systemctl.mjs')}" "$@"\n`)
  chmodSync(program, 0o755)
  return folder
}
