/** The bill of materials of a lock file in CycloneDX, written by npm and compared with the lock file. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installed, type LockFile, nameOf } from './lock.ts'

export interface Bill {
  readonly bomFormat: string
  readonly specVersion: string
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
    readonly licenses?: readonly unknown[]
  }[]
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
}

/** What of npm's own output is used or left out. */
interface Printed extends Bill {
  readonly serialNumber: string
  readonly metadata: Bill['metadata'] & { readonly timestamp: string }
  readonly components: readonly (Bill['components'][number] & {
    readonly 'bom-ref': string
    readonly properties?: readonly { readonly name: string; readonly value: string }[]
  })[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

interface Named {
  readonly name: string
  readonly version: string
}

/**
 * Asks npm for the bill of what is installed at run time. The same lock file gives the same bill: time and serial number
 * are left out.
 *
 * @param manifest what stands in package.json beside the lock file
 * @throws Error when npm has no `sbom` command (before version 10) or refuses the lock file
 */
export function billOf(lockPath: string, manifest: Named): Bill {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bill-'))
  try {
    // npm calls the root by the name of its folder.
    const root = join(folder, manifest.name)
    mkdirSync(root)
    cpSync(lockPath, join(root, 'package-lock.json'))
    writeFileSync(join(root, 'package.json'), JSON.stringify(manifest))
    const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
    const options = { cwd: root, encoding: 'utf8', maxBuffer: 1e8, shell: process.platform === 'win32' } as const
    const { status, stdout, stderr } = spawnSync('npm', args, options)
    if (status !== 0) throw new Error(`npm sbom ended with ${status}: ${stderr}`)
    const { serialNumber: _, metadata, ...bill } = JSON.parse(stdout) as Printed
    const { timestamp: __, ...kept } = metadata
    return { ...ofRunTime(bill), metadata: kept }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** npm's own `--omit=dev` also leaves out packages that a tool of development merely shares. */
function ofRunTime<Told extends Pick<Printed, 'components' | 'dependencies'>>(bill: Told): Told {
  const isTool = ({ properties = [] }: Printed['components'][number]) =>
    properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true')
  const tools = new Set(bill.components.filter(isTool).map((one) => one['bom-ref']))
  const dependencies = bill.dependencies
    .filter(({ ref }) => !tools.has(ref))
    .map((one) => ({ ...one, dependsOn: one.dependsOn.filter((ref) => !tools.has(ref)) }))
  return { ...bill, components: bill.components.filter((one) => !tools.has(one['bom-ref'])), dependencies }
}

/** @returns what the bill says otherwise than the lock file; empty when they agree */
export function billProblems(bill: Bill, lock: LockFile, root: Named): readonly string[] {
  const { name, version } = bill.metadata.component
  const head = [
    ...(bill.bomFormat === 'CycloneDX' && bill.specVersion === '1.5' ? [] : ['the bill is not CycloneDX 1.5']),
    ...(name === root.name && version === root.version ? [] : [`the bill is of ${name} ${version}`]),
  ]
  const told = new Map(bill.components.map((one) => [`${one.name}@${one.version}`, one]))
  const wanted = installed(lock).filter(([, { dev }]) => dev !== true)
  const names = new Set(wanted.map(([path, entry]) => `${nameOf(path)}@${entry.version}`))
  const wrong = wanted.flatMap(([path, { version: at, integrity }]) => {
    const id = `${nameOf(path)}@${at}`
    const found = told.get(id)
    if (!found) return [`the bill lacks ${id}`]
    if (!found.purl.startsWith('pkg:npm/')) return [`the bill has no package address for ${id}`]
    if ((found.licenses ?? []).length === 0) return [`the bill has no licence for ${id}`]
    if (integrity === undefined) return []
    const hash = found.hashes?.find(({ alg }) => alg === 'SHA-512')?.content
    return hash === Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
      ? []
      : [`the bill has another hash for ${id}`]
  })
  const extra = [...told.keys()].filter((id) => !names.has(id)).map((id) => `the bill has ${id}, the lock file has not`)
  return [...head, ...wrong, ...extra]
}
