/**
 * `npm run check:package -- [--json] [--node 22,24,26]`: the package as a user gets it. Packed, installed in an empty folder without
 * any install script, asked on the command line and imported there with the newest Node of each major version, compiled against, linted, and
 * measured. Exit code 1 when anything is wrong. Node of other versions comes from the `node` package and is kept in
 * `node_modules/.cache`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startScriptedCloud } from '../test/support/scripted-cloud.ts'
import { installPacked, programProblems, typeProblems } from './package/consumer.ts'
import { publintProblems, typesWrongProblems } from './package/linters.ts'
import { obtainNode } from './package/nodes.ts'
import { mustRun } from './package/run.ts'

const ROOT = resolve(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules/.cache/node-versions')
const MIB = 1024 * 1024

/** What is promised in docs/guides/versions.md. */
const LIMITS = { packedMiB: 1.5, unpackedMiB: 5, installedMiB: 35, runtimeDependencies: 16 } as const

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

interface Report {
  /** By major version: whether all that was tried works there. */
  readonly nodeVersions: Readonly<Record<string, boolean>>
  /** By major version: what it was tried with. */
  readonly nodes: Readonly<Record<string, string>>
  readonly packedMiB: number
  readonly unpackedMiB: number
  /** Everything that an installation brings, the engine not among it. */
  readonly installedMiB: number
  readonly runtimeDependencies: number
  /** True: a program in strict TypeScript compiles against the package, declarations of libraries included. */
  readonly types: boolean
  /** True: nothing found, suggestions included. */
  readonly publint: boolean
  readonly typesWrong: boolean
  readonly problems: readonly string[]
}

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, node: { type: 'string', default: '22,24,26' } },
})
const majors = values.node.split(',').map(Number)
if (majors.some((major) => !Number.isInteger(major)))
  throw new Error(`--node takes major versions, such as 22,24; got ${values.node}.`)

const folder = mkdtempSync(join(tmpdir(), 'spillway-packed-'))
try {
  const report = await checked(folder)
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : text(report))
  process.exitCode = report.problems.length === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function checked(work: string): Promise<Report> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', work]
  const [packed] = JSON.parse(await mustRun('npm', pack, ROOT)) as readonly [PackedFile]
  const tarball = join(work, packed.filename)
  const app = join(work, 'app')
  await installPacked(app, tarball)
  const installedMiB = rounded(sizeOf(join(app, 'node_modules')))
  const byNode = await onEveryNode(app)
  const typed = await typeProblems(app, {
    node: process.execPath,
    tsc: join(ROOT, 'node_modules/typescript/bin/tsc'),
    nodeTypes: manifest.devDependencies['@types/node'] ?? 'latest',
  })
  const publint = await publintProblems(join(app, 'node_modules/spillway'))
  const typesWrong = await typesWrongProblems(tarball)
  const runtimeDependencies = Object.keys(manifest.dependencies).length
  const sizes = {
    packedMiB: rounded(packed.size),
    unpackedMiB: rounded(packed.unpackedSize),
    installedMiB,
    runtimeDependencies,
  }
  return {
    nodeVersions: Object.fromEntries(byNode.map(({ major, problems }) => [major, problems.length === 0])),
    nodes: Object.fromEntries(byNode.map(({ major, version }) => [major, version])),
    ...sizes,
    types: typed.length === 0,
    publint: publint.length === 0,
    typesWrong: typesWrong.length === 0,
    problems: [
      ...byNode.flatMap(({ major, problems }) => problems.map((one) => `Node ${major}: ${one}`)),
      ...typed,
      ...publint.map((one) => `publint: ${one}`),
      ...typesWrong.map((one) => `arethetypeswrong: ${one}`),
      ...tooLarge(sizes),
      ...withoutReason(manifest),
    ],
  }
}

interface PackedFile {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
}

interface NodeResult {
  readonly major: number
  readonly version: string
  readonly problems: readonly string[]
}

async function onEveryNode(app: string): Promise<readonly NodeResult[]> {
  await using cloud = await startScriptedCloud()
  const results: NodeResult[] = []
  for (const major of majors) {
    process.stderr.write(`Node ${major}\n`)
    try {
      const { version, bin } = await obtainNode(major, CACHE)
      results.push({ major, version, problems: await programProblems(app, bin, cloud) })
    } catch (error) {
      results.push({ major, version: 'none', problems: [error instanceof Error ? error.message : String(error)] })
    }
  }
  return results
}

function tooLarge(sizes: Readonly<Record<keyof typeof LIMITS, number>>): readonly string[] {
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[]
  return names
    .filter((name) => sizes[name] > LIMITS[name])
    .map((name) => `${name} is ${sizes[name]}, and ${LIMITS[name]} at most is promised`)
}

/** Each has its row in the first decision record. */
function withoutReason({ dependencies }: Manifest): readonly string[] {
  const record = readFileSync(join(ROOT, 'docs/decisions/0001-dependencies.md'), 'utf8')
  const named = new Set(
    [...record.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) => cell.split(',').map((name) => name.trim())),
  )
  return Object.keys(dependencies)
    .filter((name) => !named.has(name))
    .map((name) => `${name} has no reason in docs/decisions/0001-dependencies.md`)
}

function rounded(bytes: number): number {
  return Math.round((bytes / MIB) * 100) / 100
}

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function text(report: Report): string {
  const mark = (right: boolean): string => (right ? 'ok   ' : 'wrong')
  const lines = [
    ...Object.entries(report.nodeVersions).map(([major, right]) => `${mark(right)} Node ${report.nodes[major]}`),
    `${mark(report.types)} types of a program in strict TypeScript`,
    `${mark(report.publint)} publint`,
    `${mark(report.typesWrong)} arethetypeswrong`,
    `packed ${report.packedMiB} MiB, unpacked ${report.unpackedMiB} MiB, installed ${report.installedMiB} MiB, ${report.runtimeDependencies} direct run-time dependencies`,
    ...report.problems,
  ]
  return `${lines.join('\n')}\n`
}
