/** Everything a change must pass: `npm run check` = format and lint, types, package, tests (documentation included). */
import { spawnSync } from 'node:child_process'
import { binOf, build, fail, pinnedNode, preparePackages, ROOT, run, timed } from './prepare.mjs'

/** Files that the package cannot do without. */
const PACKED = [
  'dist/index.js',
  'dist/cli/main.js',
  'schema.json',
  'templates/agent.yaml',
  'templates/developer.yaml',
  'templates/tour.yaml',
]

/** Beginnings of paths that must not be in the package. */
const NOT_PACKED = ['src/', 'test/', 'scripts/', '.ci/', 'node_modules/']

try {
  await timed('packages', preparePackages)
  await timed('format and lint', () => run(pinnedNode(), [binOf('@biomejs/biome', 'biome'), 'check']))
  await timed('types', () => run(pinnedNode(), [binOf('typescript', 'tsc'), '--noEmit', '-p', '.']))
  await timed('build', build)
  await timed('package', checkPackage)
  await run(pinnedNode(), ['scripts/test.mjs', 'unit'])
} catch (error) {
  fail(error)
}

async function checkPackage() {
  const { stdout, status } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm pack ended with ${status}`)
  const packed = packedFiles(JSON.parse(stdout))
  const missing = PACKED.filter((path) => !packed.includes(path))
  const extra = packed.filter((path) => NOT_PACKED.some((start) => path.startsWith(start)))
  if (missing.length > 0) throw new Error(`The package lacks ${missing.join(', ')}.`)
  if (extra.length > 0) throw new Error(`The package holds ${extra.join(', ')}.`)
  await run(pinnedNode(), [binOf('publint', 'publint'), '--strict', '--pack', 'false'])
}

/** npm prints a list of packages up to version 11 and an object by package name from version 12 on. */
function packedFiles(printed) {
  const [packed] = Array.isArray(printed) ? printed : Object.values(printed)
  return packed.files.map((file) => file.path)
}
