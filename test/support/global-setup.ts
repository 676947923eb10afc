/** Before any test: the real engine and the real model are on this machine, through the product's own functions. */
import { installEngine } from '../../src/models/embedded/install.ts'
import { obtainModel } from '../../src/models/fetch/obtain.ts'
import { resolvePaths } from '../../src/models/paths.ts'

const MODEL = 'smollm2-135m-instruct'

/** Enough for both downloads on a slow line; a machine that has them needs a moment. */
const PATIENCE_MS = 10 * 60_000

export default async function setup(): Promise<void> {
  const paths = resolvePaths(process.env, process.platform)
  const signal = AbortSignal.timeout(PATIENCE_MS)
  await installEngine({ paths, signal, onProgress: ({ detail }) => process.stderr.write(`${detail}\n`) })
  await obtainModel({ name: MODEL, env: process.env, paths, signal })
}
