/** What a lock file has to say so that every machine installs the same bytes. Pure. */

export interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly overrides?: unknown
}

/** Under another name, too, where two versions of one package stand side by side. */
const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.-]+)?$/
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const

/** Every version that is not one exact version; tags, ranges, addresses and files are none. */
export function looseVersions(manifest: Manifest): readonly string[] {
  const named = KINDS.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}).map(([name, at]) => [`${kind} ${name}`, at]),
  )
  const wrong = [...named, ...overridden(manifest.overrides, 'overrides')].filter(([, at = '']) => !EXACT.test(at))
  return wrong.map(([where, at]) => `${where} is ${at}, not one exact version`)
}

/** `$name` stands for the version of a direct dependency, which is checked where it is given. */
function overridden(value: unknown, where: string): readonly (readonly string[])[] {
  if (typeof value === 'string') return value.startsWith('$') ? [] : [[where, value]]
  return Object.entries(value ?? {}).flatMap(([name, inner]) => overridden(inner, `${where} ${name}`))
}

/** What of the lock file differs from the manifest, or leaves open which bytes are installed. */
export function lockProblems(manifest: Manifest, lock: LockFile): readonly string[] {
  const root = lock.packages[''] ?? {}
  const sorted = (entries: Readonly<Record<string, string>> = {}) => JSON.stringify(Object.entries(entries).sort())
  const stale = (['dependencies', 'devDependencies', 'optionalDependencies'] as const)
    .filter((kind) => sorted(manifest[kind]) !== sorted(root[kind]))
    .map((kind) => `the lock file has other ${kind} than package.json: run npm install`)
  return [...stale, ...withoutIntegrity(lock).map((path) => `${path} has no integrity value in the lock file`)]
}

/** Packages whose bytes the lock file does not pin. */
export function withoutIntegrity(lock: LockFile): readonly string[] {
  return installed(lock)
    .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
    .map(([path]) => path)
}

/** Packages of the run time that want to run a program when they are installed. */
export function installScripts(lock: LockFile): readonly string[] {
  return installed(lock)
    .filter(([, { dev, hasInstallScript }]) => hasInstallScript === true && dev !== true)
    .map(([path]) => path)
}

/** Everything but the root, by its path in `node_modules`. */
export function installed(lock: LockFile): readonly (readonly [string, LockEntry])[] {
  return Object.entries(lock.packages).filter(([path]) => path !== '')
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}
