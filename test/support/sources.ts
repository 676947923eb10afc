/** Programs import the package by its name; in tests that name means the sources, so that nothing has to be built. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const SRC = resolve(import.meta.dirname, '../../src')
const ENTRIES = { spillway: 'index.ts', 'spillway/ai-sdk': 'ai-sdk.ts', 'spillway/testing': 'testing.ts' }

/** For `node --import`. */
export const PACKAGE_IS_SOURCES = hookFor(ENTRIES)
/** The same with a scripted local model, see `scripted-package.ts`. */
export const PACKAGE_IS_SCRIPTED = hookFor({ ...ENTRIES, spillway: '../test/support/scripted-package.ts' })

function hookFor(entries: Readonly<Record<string, string>>): string {
  const urls = Object.fromEntries(
    Object.entries(entries).map(([name, file]) => [name, pathToFileURL(resolve(SRC, file)).href]),
  )
  return `data:text/javascript,${encodeURIComponent(
    `import { registerHooks } from 'node:module'
const urls = ${JSON.stringify(urls)}
registerHooks({ resolve: (name, context, next) => next(urls[name] ?? name, context) })`,
  )}`
}
