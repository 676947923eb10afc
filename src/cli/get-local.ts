/** Fetching what a local answer needs, with a view of how far it is. */
import { type EngineState, installEngine } from '../models/embedded/install.ts'
import { type ObtainedModel, obtainModel } from '../models/fetch/obtain.ts'
import type { FetchProgress } from '../models/fetch/source.ts'
import { resolvePaths } from '../models/paths.ts'
import type { CliContext } from './context.ts'
import { progressView } from './progress.ts'

/** Installs the engine, unless it is there. @throws RouterError engine_install_failed, disk_full, cancelled */
export async function getEngine(context: CliContext): Promise<EngineState> {
  const view = progressView(context.terminal)
  const onProgress = ({ detail }: { readonly detail: string }): void =>
    view.show({ label: detail, received: null, total: null })
  try {
    const paths = resolvePaths(context.env, process.platform)
    return await installEngine({ paths, signal: context.signal, onProgress })
  } finally {
    view.end()
  }
}

/** Fetches a model of the catalogue, or finds one that is here. @throws RouterError as `obtainModel` does */
export function getModel(name: string, path: string | undefined, context: CliContext): Promise<ObtainedModel> {
  return watched(context, (onProgress) =>
    obtainModel({
      name,
      ...(path === undefined ? {} : { path }),
      env: { ...context.env },
      paths: resolvePaths(context.env, process.platform),
      signal: context.signal,
      onProgress,
    }),
  )
}

/** Shows how far a download is. */
export async function watched<T>(
  context: CliContext,
  work: (onProgress: (progress: FetchProgress) => void) => Promise<T>,
): Promise<T> {
  const view = progressView(context.terminal)
  try {
    return await work(({ detail, receivedBytes, totalBytes }) =>
      view.show({ label: detail, received: receivedBytes, total: totalBytes }),
    )
  } finally {
    view.end()
  }
}
