/** Programs import the package by its name; in tests that name means the sources, so that nothing has to be built. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const SRC = resolve(import.meta.dirname, '../../src')
const ENTRIES = { spillway: 'index.ts', 'spillway/ai-sdk': 'ai-sdk.ts', 'spillway/testing': 'testing.ts' }
const URLS = Object.fromEntries(
  Object.entries(ENTRIES).map(([name, file]) => [name, pathToFileURL(resolve(SRC, file)).href]),
)

/** For `node --import`. */
export const PACKAGE_IS_SOURCES = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from 'node:module'
const urls = ${JSON.stringify(URLS)}
registerHooks({ resolve: (name, context, next) => next(urls[name] ?? name, context) })`,
)}`
