/** Loads the plugins that a policy names. Their code runs here and now, with all rights of this process. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { type LoadedPlugin, type Plugin, pluginProblem } from '../spec/plugin.ts'
import type { PluginEntry } from '../spec/policy-plugins.ts'

export interface PluginFileProblem {
  /** Place of the entry in the policy's list. */
  readonly index: number
  readonly problem: string
  readonly fix: string
}

/** @param folder of the policy file */
export function loadPlugins(
  entries: readonly PluginEntry[],
  folder: string,
): { readonly plugins: readonly LoadedPlugin[] } | PluginFileProblem {
  const plugins: LoadedPlugin[] = []
  for (const [index, entry] of entries.entries()) {
    const read = readEntry(entry, resolve(folder))
    if ('problem' in read) return { index, ...read }
    for (const { plugin } of read) {
      const other = plugins.find((one) => one.plugin.kind === plugin.kind && one.plugin.name === plugin.name)
      if (other)
        return {
          index,
          problem: `${entry.from} has a ${plugin.kind} ${plugin.name}, and so has ${other.from}`,
          fix: 'Take one of them out, or give one another name.',
        }
    }
    plugins.push(...read)
  }
  return { plugins }
}

type Problem = Omit<PluginFileProblem, 'index'>

function readEntry(entry: PluginEntry, folder: string): readonly LoadedPlugin[] | Problem {
  const { from, tasks = null, timeout: timeoutMs } = entry
  const file = isFile(from) ? fileOf(from, folder) : packageOf(from, folder)
  if (typeof file !== 'string') return file
  const loaded = loadOnce(file, from)
  if ('problem' in loaded) return loaded
  const { digest } = loaded
  const found = Array.isArray(loaded.exported) ? (loaded.exported as readonly unknown[]) : [loaded.exported]
  if (found.length === 0)
    return { problem: `${from} exports an empty list`, fix: 'Export a plugin, or a list of some.' }
  for (const one of found) {
    const wrong = pluginProblem(one)
    if (wrong) return { problem: `${from} is no plugin: ${wrong.problem}`, fix: wrong.fix }
  }
  return found.map((plugin) => ({ plugin: plugin as Plugin, from, digest, tasks, timeoutMs }))
}

function isFile(from: string): boolean {
  return /^\.{1,2}[\\/]/.test(from) || isAbsolute(from)
}

function fileOf(from: string, folder: string): string | Problem {
  const path = resolve(folder, from)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  return { problem: `there is no file ${from} beside the policy file`, fix: 'Correct the path, or remove it.' }
}

/** Beside the policy file, else beside this package. */
function packageOf(from: string, folder: string): string | Problem {
  for (const place of [join(folder, 'policy.yaml'), import.meta.url]) {
    try {
      return createRequire(place).resolve(from)
    } catch {
      // The next place may have it.
    }
  }
  return {
    problem: `there is no package ${from}`,
    fix: `Run \`npm install ${from}\` beside the policy file, or write ./ before the name of a file.`,
  }
}

interface Loaded {
  readonly digest: string
  readonly exported: unknown
}

/** A module is loaded once in a process, so that one which changed since is another one than its digest would say. */
const known = new Map<string, Loaded>()

function loadOnce(path: string, from: string): Loaded | Problem {
  const digest = `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`
  const before = known.get(path)
  if (before?.digest === digest) return before
  if (before)
    return { problem: `${from} has changed since it was loaded`, fix: 'Start Spillway again to load it anew.' }
  try {
    const module = createRequire(path)(path) as Readonly<Record<string, unknown>> | null
    const exported = module !== null && typeof module === 'object' && 'default' in module ? module.default : module
    const loaded = { digest, exported }
    known.set(path, loaded)
    return loaded
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_REQUIRE_ASYNC_MODULE')
      return { problem: `${from} waits for something while it is loaded (await)`, fix: 'Wait inside of its functions.' }
    const [first = 'reason unknown'] = String(message).split('\n')
    return {
      problem: `${from} cannot be loaded: ${first.slice(0, 300)}`,
      fix: 'Mend it; `node` says more when it imports it.',
    }
  }
}
