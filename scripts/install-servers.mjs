/**
 * What tests start beside Node: Postgres, Valkey or Redis, and a browser. In continuous integration on Debian what is missing is
 * installed; elsewhere those tests are left out, and say so. Nothing is started here.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { run } from './prepare.mjs'

/** @returns whether something was installed */
export async function installServers() {
  const missing = [
    ...(hasPostgres() ? [] : ['postgresql']),
    ...(hasValkey() ? [] : ['valkey-server']),
    ...(hasBrowser() ? [] : ['chromium']),
  ]
  const mayInstall = Boolean(process.env.CI) && process.getuid?.() === 0 && has('apt-get')
  if (missing.length === 0 || !mayInstall) return false
  // Where init scripts run at all, they start nothing in runlevel 1.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await run('apt-get', ['update', '-qq'], { env })
  const packages = missing.map((name) => (name === 'valkey-server' && !isKnown(name) ? 'redis-server' : name))
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
  return true
}

/** Debian keeps its programs in a folder for each version. */
function hasPostgres() {
  return existsSync('/usr/lib/postgresql') || has('postgres')
}

function hasValkey() {
  return has('valkey-server') || has('redis-server')
}

function has(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}

function hasBrowser() {
  return has('chromium') || has('chromium-browser')
}

/** Older releases of Debian know only Redis. */
function isKnown(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8' })
  return /Candidate: \d/.test(stdout ?? '')
}
