/** A folder with a policy and plugins of its own, as a user has them; `spillway/plugin` is the one of this checkout. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRouter, type RouterSettings } from '../../src/compose.ts'
import type { Router } from '../../src/spec/router.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

const ROOT = resolve(import.meta.dirname, '../..')

export interface PluginFolder {
  readonly folder: string
  write(name: string, text: string): void
  /** Opens a router under a policy in YAML, closed with the folder. */
  router(policy: string, settings?: Omit<RouterSettings, 'policy' | 'paths'>): Router
  close(): Promise<void>
}

export function pluginFolder(): PluginFolder {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-plugins-'))
  const routers: Router[] = []
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const own = join(folder, 'node_modules', 'spillway')
  mkdirSync(own, { recursive: true })
  const exported = { './plugin': './plugin.mjs' }
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name: 'spillway', version: '0.0.0', exports: exported }))
  writeFileSync(join(own, 'plugin.mjs'), `export * from '${pathToFileURL(join(ROOT, 'src/plugin.ts')).href}'\n`)
  return {
    folder,
    write,
    router(policy, settings = {}) {
      const env = settings.env ?? { KEY: 'k' }
      const loaded = parsePolicy(policy, { file: join(folder, 'spillway.yaml'), env })
      // What one router remembers of a conversation is nothing to the next.
      const stateDir = mkdtempSync(join(folder, 'state-'))
      const paths = { configDir: folder, dataDir: folder, cacheDir: folder, stateDir }
      const router = createRouter({ ...settings, policy: loaded, env, paths })
      routers.push(router)
      return router
    },
    async close() {
      for (const router of routers) await router.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The files and the policies that stand in the guide. */
export function guideBlocks(): { readonly files: ReadonlyMap<string, string>; readonly policies: readonly string[] } {
  const guide = readFileSync(join(ROOT, 'docs/guides/plugins.md'), 'utf8')
  const files = [...guide.matchAll(/```js file=(\S+)\n([\s\S]*?)```/g)]
  const policies = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)]
  return {
    files: new Map(files.map((match) => [match[1] ?? '', match[2] ?? ''])),
    policies: policies.map((match) => match[1] ?? ''),
  }
}
