import { access } from 'node:fs/promises'
import { RouterError } from '../../spec/errors.ts'
import { cachedSha256 } from './digest.ts'
import { givenPath } from './locate.ts'
import type { ModelSource } from './source.ts'

/** A GGUF file that is already on this machine: `path` in the policy, or the environment variable SPILLWAY_MODEL_PATH. */
export const pathSource: ModelSource = {
  name: 'path',
  async fetch(request) {
    const path = givenPath(request)
    if (path === null) return null
    try {
      await access(path)
    } catch (error) {
      throw new RouterError('model_file_missing', { model: request.name, path }, error)
    }
    return { path, sha256: await cachedSha256(path, request.paths.cacheDir, request.signal) }
  },
}
