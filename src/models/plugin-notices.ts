/** Says that a plugin threw, as a warning of the process: programs can listen to those, and they go to standard error. */
import type { Plugin } from '../spec/plugin.ts'

/** @returns a listener that tells of each plugin once for each kind of error; its message is left out, for it may hold text of a request */
export function tellOfPlugins(): (plugin: Plugin, error: unknown) => void {
  const told = new Set<string>()
  return ({ kind, name, version }, error) => {
    const what = error instanceof Error ? error.name : typeof error
    const key = `${kind} ${name} ${what}`
    if (told.has(key)) return
    told.add(key)
    process.emitWarning(`The ${kind} plugin ${name} ${version} failed (${what}).`, { code: 'SPILLWAY_PLUGIN' })
  }
}
