/** Keeps compiled code between runs: a program of many files starts in two thirds of the time. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { resolvePaths } from '../models/paths.ts'

/** A server writes its share once it runs, since it may never end in an orderly way. */
const FLUSH_MS = 10_000

/**
 * Where nothing can be written nothing is kept, and the program starts as before.
 *
 * @param argv the words after the program's name: what removes all that was written must not write at its end
 */
export function keepCompiledCode(argv: readonly string[]): void {
  if (argv.includes('uninstall')) return
  enableCompileCache(join(resolvePaths(process.env, process.platform).cacheDir, 'compiled'))
  setTimeout(flushCompileCache, FLUSH_MS).unref()
}
