import { readFile } from 'node:fs/promises'
import { RouterError } from '../../spec/errors.ts'

/** The pinned version of the embedded engine; a new version needs new pins and a new measurement of the signals. */
export const ENGINE_VERSION = '3.22.1'

export type EngineVariant = 'cpu'

/** What npm needs to install one variant for one machine, and nothing else. */
export interface EnginePackage {
  readonly packageJson: string
  readonly lockJson: string
  /** The package that holds the binaries of this machine. */
  readonly platformPackage: string
  /** False when the shipped lock names no hash for the binaries: npm then checks the registry's own. */
  readonly pinned: boolean
}

interface LockEntry {
  readonly version?: string
  readonly integrity?: string
  readonly [key: string]: unknown
}

interface LockFile {
  readonly name: string
  readonly version: string
  readonly packages: Readonly<Record<string, LockEntry>>
}

/** Binaries that run on the processor alone; on Apple silicon the Metal package is the only one that is published. */
const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@node-llama-cpp/linux-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'win32-x64': '@node-llama-cpp/win-x64',
  'win32-arm64': '@node-llama-cpp/win-arm64',
}

/**
 * Reads the shipped lock and makes one platform's binaries a plain dependency. `npm ci --omit=optional` then installs
 * exactly 85 MB; the GPU variants (640 MB more) are not in the lock at all.
 *
 * @param machine `process.platform`-`process.arch`, for example `linux-x64`
 * @throws RouterError engine_install_failed when no binaries are published for the machine
 */
export async function composeEnginePackage(machine: string, engineDir: string): Promise<EnginePackage> {
  const platformPackage = PLATFORM_PACKAGES[machine]
  if (platformPackage === undefined) {
    throw new RouterError('engine_install_failed', {
      path: engineDir,
      problem: `there are no ready-made binaries for ${machine}`,
      fix: `Use one of ${Object.keys(PLATFORM_PACKAGES).join(', ')}, or configure a model of another provider.`,
    })
  }
  const base = JSON.parse(await readFile(BASE_LOCK, 'utf8')) as LockFile
  return compose(base, platformPackage)
}

const BASE_LOCK = new URL('../../../engine/package-lock.json', import.meta.url)

function compose(base: LockFile, platformPackage: string): EnginePackage {
  const dependencies = { [platformPackage]: ENGINE_VERSION, 'node-llama-cpp': ENGINE_VERSION }
  const identity = { name: base.name, version: base.version, private: true, license: 'MIT' }
  const packages: Record<string, LockEntry> = {
    '': { name: base.name, version: base.version, license: 'MIT', dependencies },
  }
  for (const [path, entry] of Object.entries(base.packages)) {
    if (path === '' || (path.startsWith(PLATFORM_PREFIX) && path !== `node_modules/${platformPackage}`)) continue
    const { optional: _, ...rest } = entry
    packages[path] = rest
  }
  const lock = { ...identity, lockfileVersion: 3, requires: true, packages }
  return {
    packageJson: `${JSON.stringify({ ...identity, dependencies }, null, 2)}\n`,
    lockJson: `${JSON.stringify(lock, null, 2)}\n`,
    platformPackage,
    pinned: packages[`node_modules/${platformPackage}`]?.integrity !== undefined,
  }
}

const PLATFORM_PREFIX = 'node_modules/@node-llama-cpp/'
