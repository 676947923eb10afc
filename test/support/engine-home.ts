/** Directories of a test's own, with the engine and the models of this machine and a host that nobody else uses. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineClient } from '../../src/models/embedded/client.ts'
import { type Paths, resolvePaths } from '../../src/models/paths.ts'

export interface EngineHome {
  readonly folder: string
  readonly paths: Paths
  /** Ends the host, if one was started, and removes the folder. */
  close(): Promise<void>
}

export function engineHome(): EngineHome {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-engine-'))
  const real = resolvePaths(process.env, process.platform)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  for (const part of ['engine', 'models']) symlinkSync(join(real.dataDir, part), join(dataDir, part))
  const paths = { ...real, dataDir, stateDir: join(folder, 'state'), cacheDir: join(folder, 'cache') }
  return {
    folder,
    paths,
    async close() {
      const client = new EngineClient({ paths, env: process.env })
      await client.call('shutdown', null).catch(() => undefined)
      await client.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
