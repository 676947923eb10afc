/** Node of other major versions, from the `node` package of the registry: the newest of each, kept for the next time. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mustRun } from './run.ts'

export interface NodeVersion {
  readonly major: number
  readonly version: string
  /** The folder that holds `node`. */
  readonly bin: string
}

/**
 * @param cache where versions are kept, one folder each
 * @throws Error when the registry does not answer and no version of the major is kept
 */
export async function obtainNode(major: number, cache: string): Promise<NodeVersion> {
  mkdirSync(cache, { recursive: true })
  const version = await newest(major, cache).catch((error: unknown) => {
    const kept = keptVersions(major, cache).at(-1)
    if (kept === undefined) throw error
    return kept
  })
  const folder = join(cache, version)
  const bin = join(folder, 'node_modules', '.bin')
  if (!existsSync(join(bin, 'node'))) {
    mkdirSync(folder, { recursive: true })
    // Its install script puts the binary of this machine in place; npm runs scripts of packages that are named here.
    const manifest = { name: 'node-of-a-version', private: true, allowScripts: { node: true } }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    await mustRun('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `node@${version}`], folder)
  }
  const says = (await mustRun(join(bin, 'node'), ['--version'], folder)).trim()
  if (says !== `v${version}`) throw new Error(`node@${version} in ${folder} is ${says}; remove that folder.`)
  return { major, version, bin }
}

async function newest(major: number, cwd: string): Promise<string> {
  const said = JSON.parse(await mustRun('npm', ['view', `node@^${major}`, 'version', '--json'], cwd)) as
    | string
    | readonly string[]
  const version = typeof said === 'string' ? said : sorted(said).at(-1)
  if (version === undefined) throw new Error(`The registry has no version ${major} of the package node.`)
  return version
}

function keptVersions(major: number, cache: string): readonly string[] {
  return sorted(readdirSync(cache).filter((name) => name.startsWith(`${major}.`)))
}

function sorted(versions: readonly string[]): readonly string[] {
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
