/** Makes what was compiled small enough to be installed quickly, without making it harder to read or to debug. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A type is reached through `from './x.ts'`, `import './x.ts'` or `import('./x.ts')`. */
const RELATIVE_IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g

/**
 * Removes every declaration file that no entry of `exports` leads to: nobody outside can name what is in it.
 *
 * @param root the folder of the package
 * @param manifest its package.json; every entry's `types` is a starting point
 * @returns how many stayed and how many went
 */
export function pruneDeclarations(root, manifest) {
  const kept = reached(root, entryTypes(manifest))
  const all = declarationsBelow(join(root, 'dist')).map((path) => normalize(path))
  const removed = all.filter((path) => !kept.has(path))
  for (const path of removed) rmSync(path)
  return { kept: kept.size, removed: removed.length }
}

/** The declaration files that `exports` names, relative to the package. */
function entryTypes(manifest) {
  return Object.values(manifest.exports).flatMap((entry) => (entry?.types ? [entry.types] : []))
}

function reached(root, entries) {
  const kept = new Set()
  const waiting = entries.map((entry) => normalize(join(root, entry)))
  for (const path of waiting) {
    if (kept.has(path)) continue
    kept.add(path)
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(RELATIVE_IMPORT)) {
      const target = normalize(join(dirname(path), specifier)).replace(/\.[jt]s$/, '.d.ts')
      if (!existsSync(target)) throw new Error(`${path} imports ${specifier}, which has no declaration file.`)
      waiting.push(target)
    }
  }
  return kept
}

function declarationsBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.d.ts'))
    .map((path) => join(folder, path))
}
