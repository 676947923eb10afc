/**
 * Gets a fresh clone ready: packages, build, engine, model. Plain JavaScript for Node 20 and newer, because nothing is
 * installed yet when it starts. Each step is skipped when its result is already there.
 *
 *   node scripts/prepare.mjs [packages|build|sbom|models]    all but sbom without an argument
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pruneDeclarations } from './slim.mjs'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The model that quickstart and tests use: small enough for any machine, and obtainable without a model hub. */
export const MODEL = 'smollm2-135m-instruct'

const WINDOWS = process.platform === 'win32'
const PINNED_NODE = join(ROOT, 'node_modules', '.bin', WINDOWS ? 'node.cmd' : 'node')
const CLI = join(ROOT, 'dist', 'cli', 'main.js')
const STAMP = join(ROOT, 'dist', '.sources')

/** With `src`, all that the result of the build depends on. */
const BUILT_FROM = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/prepare.mjs',
  'scripts/slim.mjs',
  'scripts/package-format.json',
]

/** Runs `npm ci` unless node_modules holds exactly what the lock file says. Returns whether it ran. */
export async function preparePackages() {
  if (packagesMatch()) return false
  await run(WINDOWS ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { shell: WINDOWS })
  return true
}

/** Compiles src and the console to dist unless the sources are unchanged. Returns whether it ran. */
export async function build() {
  const digest = sourcesDigest()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return false
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
  const compile = [binOf('typescript', 'tsc'), '-p', 'tsconfig.build.json']
  await run(pinnedNode(), compile)
  // Comments are for readers of types; in what runs they are a seventh of the package.
  await run(pinnedNode(), [...compile, '--declaration', 'false', '--removeComments', '--noCheck'])
  pruneDeclarations(ROOT, JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
  reprint()
  // What the console shows; it talks to the program over HTTP alone, so it is built by itself.
  await run(pinnedNode(), [binOf('vite', 'vite'), 'build', '--config', 'dashboard/vite.config.ts'])
  writeSchema()
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, digest)
  return true
}

/** The Node that the lock file pins; this one when the pinned one cannot run here and this one is new enough. */
export function pinnedNode() {
  const works = spawnSync(PINNED_NODE, ['--version'], { shell: WINDOWS, encoding: 'utf8' }).status === 0
  if (works) return PINNED_NODE
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return process.execPath
  throw new Error(
    `Node ${process.versions.node} is too old and the pinned Node does not run on this machine. Install Node 22.19 or newer.`,
  )
}

/** Runs the built command line; the output goes to this terminal. */
export function spillway(args, options = {}) {
  return run(pinnedNode(), [CLI, ...args], options)
}

/** The JavaScript file behind a package's command, so that it runs under the pinned Node. */
export function binOf(packageName, command) {
  const folder = join(ROOT, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[command])
}

/** Runs a program to its end. Rejects with its exit code in `exitCode` when that is not 0. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const settings = { cwd: ROOT, stdio: 'inherit', shell: WINDOWS && command === PINNED_NODE, ...options }
    const child = spawn(command, args, { ...settings, env: { ...process.env, ...options.env } })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) return resolve()
      reject(
        Object.assign(new Error(`${[command, ...args].join(' ')} ended with ${signal ?? code}`), {
          exitCode: code ?? 1,
        }),
      )
    })
  })
}

/** Runs one step and says how long it took. */
export async function timed(name, step) {
  const started = performance.now()
  const result = await step()
  const seconds = (performance.now() - started) / 1000
  process.stderr.write(`${name}: ${seconds.toFixed(1)} s${result === false ? ' (nothing to do)' : ''}\n`)
  return seconds
}

/** Prints a failure without a stack trace and sets the exit code. */
export function fail(error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode ?? 1
}

/** npm writes the hidden lock file last, so it names what is really installed. */
function packagesMatch() {
  const hidden = join(ROOT, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages
  const same = (path) =>
    installed[path]?.version === wanted[path].version && installed[path]?.integrity === wanted[path].integrity
  return (
    Object.keys(wanted).every((path) => path === '' || wanted[path].optional || same(path)) &&
    rootMatchesLock(wanted[''])
  )
}

/** A package.json that was edited after the lock file makes `npm ci` fail with a better message than we could give. */
function rootMatchesLock(locked) {
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const sorted = (entries = {}) => JSON.stringify(Object.entries(entries).sort())
  return ['dependencies', 'devDependencies'].every((key) => sorted(root[key]) === sorted(locked[key]))
}

function sourcesDigest() {
  const hash = createHash('sha256')
  const files = [...BUILT_FROM, ...filesBelow('src'), ...filesBelow('dashboard')]
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0')
  return hash.digest('hex')
}

function filesBelow(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort()
}

/**
 * The compiler indents with four spaces and ends each statement; an eighth of the code is that. Lines and names stay, so that a
 * stack trace of a user still tells where.
 */
function reprint() {
  const format = [
    binOf('@biomejs/biome', 'biome'),
    'format',
    '--write',
    '--config-path=scripts/package-format.json',
    'dist',
  ]
  output(pinnedNode(), format)
}

/** Editors read `node_modules/spillway/schema.json`; the file is formatted like all others, so that it can be committed. */
function writeSchema() {
  const schema = output(pinnedNode(), [CLI, 'policy', 'schema'])
  const biome = binOf('@biomejs/biome', 'biome')
  writeFileSync(
    join(ROOT, 'schema.json'),
    output(pinnedNode(), [biome, 'format', '--stdin-file-path=schema.json'], schema),
  )
}

function output(command, args, input = '') {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    input,
    encoding: 'utf8',
    shell: WINDOWS && command === PINNED_NODE,
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

const STEPS = {
  packages: () => timed('packages', preparePackages),
  build: () => timed('build', build),
  sbom: () => timed('bill of materials', writeBill),
  models: () => timed('engine and model', prepareModels),
}

/** The steps of a fresh clone; the bill of materials belongs to a package. */
const USUAL = ['packages', 'build', 'models']

/** What the package consists of, in CycloneDX: dist/sbom.json and dist/sbom-engine.json. */
export function writeBill() {
  return run(pinnedNode(), ['scripts/supply-chain.ts', 'bill'])
}

/** The engine goes to the data directory, not to node_modules; so does the model. Both are skipped when they are there. */
export async function prepareModels() {
  await spillway(['engine', 'install'])
  await spillway(['models', 'pull', MODEL])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2)
  const steps = wanted.length === 0 ? USUAL : wanted
  const unknown = steps.find((name) => !(name in STEPS))
  try {
    if (unknown) throw new Error(`There is no step ${unknown}. Steps: ${Object.keys(STEPS).join(', ')}.`)
    for (const name of steps) await STEPS[name]()
  } catch (error) {
    fail(error)
  }
}
