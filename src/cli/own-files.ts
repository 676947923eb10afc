/** What Spillway has written on this machine: known names in its own folders, links never followed. */
import { lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { hostEndpoint } from '../models/embedded/endpoint.ts'
import type { Paths } from '../models/paths.ts'
import { TEMPLATES, templateFile } from './context.ts'
import { POLICY_FILE } from './policy-lookup.ts'

export interface OwnFile {
  readonly path: string
  readonly what: string
  readonly sizeBytes: number
}

export interface ForeignFile {
  readonly path: string
  readonly why: string
}

export interface Inventory {
  readonly own: readonly OwnFile[]
  /** In our folders, and not ours to remove. */
  readonly left: readonly ForeignFile[]
}

type Known = readonly (readonly [name: RegExp, what: string])[]

const DATA: Known = [
  [/^models$/, 'models that were fetched'],
  [/^engine$/, 'the embedded engine'],
  [/^heads$/, 'fitted heads'],
  [/^versions$/, 'versions of the service'],
  [/^bundle(\.lock$|-partial-)/, 'remains of an installation'],
]
const CACHE: Known = [[/^(compiled|digests|probes|streams)$/, 'cache']]
const STATE: Known = [
  [/^audit$/, 'audit, journals and their key'],
  [/^examples$/, 'kept examples'],
  [/^policies$/, 'policies that were in force'],
  [/^(buddies|calibrations|heads|priors)$/, 'what was learned'],
  [/^budgets$|^(budgets|conversations)\.sqlite(-wal|-shm)?$/, 'budgets and conversations'],
  [/^(idempotency|rates|responses)\.sqlite(-wal|-shm)?$/, 'limits and kept answers of the gateway'],
  [/^held\.(sqlite(-wal|-shm)?|key)$/, 'held requests and their key'],
  [/^batches$/, 'files and batches of the gateway'],
  [/^(operator\.key|keys\.json(\.\d+)?|keys\.json\.lock(\..+)?)$/, 'gateway keys'],
  [
    /^(server\.json|kill-switch\.json|rollouts\.json|task-overrides\.json)(\..+)?$/,
    'server, kill switch, moved stages and overrides',
  ],
  [/^sessions$/, 'who is signed in to the console'],
  [/^clients$/, 'what `launch` wrote for clients'],
  [/^service\.(json|xml|log(\.\d+)?)$/, 'the service and its log'],
  [/^gateway\.log(\.\d+)?$/, 'log of gateways that `launch` ran'],
  [/^(engine|prefixes|engine-loaded\.json(\.new)?|engine\.log)$/, 'engine host'],
]

/** Reads only. */
export function inventory(paths: Paths): Inventory {
  const { dataDir, cacheDir, stateDir, configDir } = paths
  const folders = [
    [dataDir, DATA],
    [cacheDir, CACHE],
    [stateDir, STATE],
  ] as const
  const found = folders.map(([folder, known]) => inFolder(folder, known, paths))
  const socketFolder = hostEndpoint(stateDir).folder
  const socket =
    socketFolder !== null && !socketFolder.startsWith(stateDir) ? entry(socketFolder, 'engine socket') : null
  const policy = policyFile(join(configDir, POLICY_FILE))
  return {
    own: [...found.flatMap(({ own }) => own), ...(socket ? [socket] : []), ...policy.own],
    left: [...found.flatMap(({ left }) => left), ...policy.left],
  }
}

/**
 * Removes what the inventory lists, and the folders that are empty then.
 *
 * @returns what could not be removed
 */
export function removeOwn({ own }: Inventory, paths: Paths): readonly ForeignFile[] {
  const failed = own.flatMap(({ path }): readonly ForeignFile[] => {
    try {
      // Removes a link itself, never what it points to.
      rmSync(path, { recursive: true, force: true })
      return []
    } catch (error) {
      return [{ path, why: (error as NodeJS.ErrnoException).code ?? String(error) }]
    }
  })
  // The deepest first: on some systems one of these lies in another.
  for (const folder of [paths.stateDir, paths.cacheDir, paths.dataDir, paths.configDir]) {
    try {
      if (!lstatSync(folder).isSymbolicLink()) rmdirSync(folder)
    } catch {
      // Not there, or somebody else's files are in it.
    }
  }
  return failed
}

function inFolder(folder: string, known: Known, paths: Paths): Inventory {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (!found) return { own: [], left: [] }
  if (!found.isDirectory())
    return { own: [], left: [{ path: folder, why: 'a link; what it points to is not touched' }] }
  const own: OwnFile[] = []
  const left: ForeignFile[] = []
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name)
    if (Object.values(paths).includes(path) || name === POLICY_FILE) continue
    const what = known.find(([pattern]) => pattern.test(name))?.[1]
    if (what === undefined) left.push({ path, why: 'not written by Spillway' })
    else if (lstatSync(path).isSymbolicLink()) left.push({ path, why: 'a link; what it points to is not touched' })
    else own.push({ path, what, sizeBytes: treeBytes(path) })
  }
  return { own, left }
}

function entry(path: string, what: string): OwnFile | null {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ? { path, what, sizeBytes: treeBytes(path) } : null
}

/** `init` writes a template; a policy that was changed since is its owner's work. */
function policyFile(path: string): Inventory {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return { own: [], left: [] }
  const text = found.isFile() ? readFileSync(path, 'utf8') : null
  const isTemplate = TEMPLATES.some((name) => readFileSync(templateFile(name), 'utf8') === text)
  if (!isTemplate) return { own: [], left: [{ path, why: 'your own policy' }] }
  return { own: [{ path, what: `${basename(path)} as \`init\` wrote it`, sizeBytes: found.size }], left: [] }
}

/** A link counts as itself. */
function treeBytes(path: string): number {
  const found = lstatSync(path)
  if (!found.isDirectory()) return found.size
  return readdirSync(path).reduce((sum, name) => sum + treeBytes(join(path, name)), 0)
}
