/**
 * `npm run supply -- [--json]`: what is installed and handed on. Exact pins, lock files in step and with integrity values,
 * no install scripts at run time, licences on the list, a bill of materials that agrees with the lock file, no unexpected file or
 * content in the package, known vulnerabilities where the registry answers. Exit code 1 when anything is wrong.
 *
 * `node scripts/supply-chain.ts bill` writes dist/sbom.json and dist/sbom-engine.json only.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { askAdvisories } from './supply/advisories.ts'
import { type Bill, billOf, billProblems } from './supply/bill.ts'
import { licenceProblems } from './supply/licences.ts'
import { installScripts, type LockFile, lockProblems, looseVersions, withoutIntegrity } from './supply/lock.ts'
import { contentProblems, pathProblems } from './supply/packed.ts'

const ROOT = resolve(import.meta.dirname, '..')
const LOCK = join(ROOT, 'package-lock.json')
const ENGINE_LOCK = join(ROOT, 'engine/package-lock.json')
const BILL = join(ROOT, 'dist/sbom.json')
const ENGINE_BILL = join(ROOT, 'dist/sbom-engine.json')

/**
 * Binaries for machines whose packages the registry in use did not have when the lock was written. npm checks them against the
 * hash that the registry gives at that time, and `engine install` says so. Adding to this list is a decision.
 */
const UNPINNED: readonly string[] = ['mac-arm64-metal', 'mac-x64', 'win-arm64', 'win-x64'].map(
  (name) => `node_modules/@node-llama-cpp/${name}`,
)

interface Line {
  readonly check: string
  readonly problems: readonly string[]
  readonly note: string
  /** Nobody could be asked: neither right nor wrong. */
  readonly unknown?: true
}

const manifest = read(join(ROOT, 'package.json'))
const own: LockFile = read(LOCK)
const engine: LockFile = read(ENGINE_LOCK)
const engineManifest = { name: 'spillway-engine', ...engine.packages[''] } as { name: string; version: string }

if (process.argv.includes('bill')) {
  mkdirSync(join(ROOT, 'dist'), { recursive: true })
  writeFileSync(BILL, `${JSON.stringify(billOf(LOCK, manifest))}\n`)
  writeFileSync(ENGINE_BILL, `${JSON.stringify(billOf(ENGINE_LOCK, engineManifest))}\n`)
} else {
  const lines = [pins(), lockFiles(), scripts(), licences(), bills(), contents(), advisories()]
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(lines, null, 2)}\n`)
  else for (const line of lines) process.stdout.write(text(line))
  process.exitCode = lines.every(({ problems }) => problems.length === 0) ? 0 : 1
}

function pins(): Line {
  const problems = [...looseVersions(manifest), ...looseVersions(engine.packages[''] ?? {})]
  return { check: 'exact pins', problems, note: 'every direct dependency is one version' }
}

function lockFiles(): Line {
  const known = withoutIntegrity(engine).filter((path) => UNPINNED.includes(path))
  const problems = [
    ...lockProblems(manifest, own),
    ...lockProblems(engine.packages[''] ?? {}, engine).filter((one) => !known.some((path) => one.startsWith(path))),
    ...UNPINNED.filter((path) => !known.includes(path)).map(
      (path) => `${path} has an integrity value now: take it off the list`,
    ),
  ]
  return {
    check: 'lock files',
    problems,
    note: `not pinned by hash: ${known.map((path) => path.slice(13)).join(', ')}`,
  }
}

function scripts(): Line {
  const problems = installScripts(own).map((path) => `${path} runs a program when it is installed`)
  return { check: 'install scripts', problems, note: 'none at run time; the engine is installed with --ignore-scripts' }
}

function licences(): Line {
  return {
    check: 'licences',
    problems: [...licenceProblems(own), ...licenceProblems(engine)],
    note: 'docs/reference/licences.md',
  }
}

function bills(): Line {
  const [first, second] = [BILL, ENGINE_BILL].map((path): Bill | null => (existsSync(path) ? read(path) : null))
  if (!first || !second) return { check: 'bill of materials', problems: ['there is none: npm run sbom'], note: '' }
  const problems = [...billProblems(first, own, manifest), ...billProblems(second, engine, engineManifest)]
  return {
    check: 'bill of materials',
    problems,
    note: `${first.components.length} packages, engine ${second.components.length}`,
  }
}

function contents(): Line {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout, status } = spawnSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) return { check: 'package', problems: [`npm pack ended with ${status}`], note: '' }
  const paths = packedPaths(JSON.parse(stdout))
  // A home folder of one short word would be found in any text.
  const here = [ROOT, homedir()].filter((folder) => folder.split('/').length > 2)
  const problems = [
    ...pathProblems(paths),
    ...paths.flatMap((path) => contentProblems(path, readFileSync(join(ROOT, path), 'utf8'), here)),
  ]
  return { check: 'package', problems, note: `${paths.length} files` }
}

/** npm prints a list of packages up to version 11 and an object by package name from version 12 on. */
function packedPaths(printed: unknown): readonly string[] {
  const all = (Array.isArray(printed) ? printed : Object.values(printed as object)) as readonly Packed[]
  return all[0]?.files.map(({ path }) => path) ?? []
}

interface Packed {
  readonly files: readonly { readonly path: string }[]
}

function advisories(): Line {
  const { found, note } = askAdvisories(ROOT)
  return { check: 'known vulnerabilities', problems: found ?? [], note, ...(found === null && { unknown: true }) }
}

function text({ check, problems, note, unknown }: Line): string {
  const word = unknown ? 'unknown' : problems.length === 0 ? 'ok' : 'broken'
  const head = `${word.padEnd(7)} ${check}${note ? `: ${note}` : ''}\n`
  return head + problems.map((problem) => `        ${problem}\n`).join('')
}

function read(path: string) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
