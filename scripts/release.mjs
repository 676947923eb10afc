/**
 * `npm run release -- [--dry-run]`: everything about a version that can be checked, then the packed file and the steps that publish it.
 * Nothing is tagged, pushed or published here. With --dry-run only what takes no time is checked, and nothing is written.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROVENANCE_NOTE, publishSteps, releaseProblems } from './package/release.ts'
import { fail } from './prepare.mjs'

const FOLDER = process.cwd()
const dryRun = process.argv.includes('--dry-run')
const say = (text) => process.stdout.write(`${text}\n`)

try {
  const manifest = read('package.json')
  const problems = releaseProblems({
    version: manifest.version,
    lockVersion: read('package-lock.json').version,
    repository: manifest.repository?.url ?? null,
    changed: lines('git', ['status', '--porcelain']),
    tags: lines('git', ['tag', '--list']),
    changelog: readFileSync(join(FOLDER, 'CHANGELOG.md'), 'utf8'),
  })
  for (const problem of problems) say(`wrong  ${problem}`)
  if (problems.length > 0) process.exitCode = 1
  if (problems.length === 0 || dryRun) release(manifest.version)
} catch (error) {
  fail(error)
}

function release(version) {
  const tarball = join('release', `spillway-${version}.tgz`)
  const checks = [
    ['npm', ['run', 'check']],
    ['npm', ['run', 'check:package']],
    ['npm', ['pack', '--pack-destination', 'release']],
  ]
  for (const [command, args] of checks) {
    say(`${dryRun ? 'would run ' : ''}${[command, ...args].join(' ')}`)
    if (!dryRun) mustRun(command, args)
  }
  if (!dryRun) say(`sha512 ${createHash('sha512').update(readFileSync(tarball)).digest('hex')}  ${tarball}`)
  say(
    `\nThen, by hand:\n${publishSteps(version, tarball)
      .map((step) => `  ${step}`)
      .join('\n')}\n\n${PROVENANCE_NOTE}`,
  )
}

function mustRun(command, args) {
  mkdirSync(join(FOLDER, 'release'), { recursive: true })
  const { status } = spawnSync(command, args, { cwd: FOLDER, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}: nothing is released.`)
}

function read(file) {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
}

function lines(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: FOLDER, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}
