/** The engine host of this user, when it is running; none of these starts one, but for `load`. */
import { connect } from 'node:net'
import { EngineClient } from '../models/embedded/client.ts'
import { hostEndpoint } from '../models/embedded/endpoint.ts'
import type { HostStatus, LoadedModelRow, ModelSpec } from '../models/embedded/protocol.ts'
import { resolvePaths } from '../models/paths.ts'
import type { CliContext } from './context.ts'

/** @returns null when no host is running */
export async function hostStatus(context: CliContext): Promise<HostStatus | null> {
  return (await isRunning(context)) ? withHost(context, (client) => client.call('ps', null, context)) : null
}

/** Ends the host; requests under way end with a typed error. @returns its process id; null when none was running */
export async function stopHost(context: CliContext): Promise<number | null> {
  if (!(await isRunning(context))) return null
  const { pid } = await withHost(context, (client) => client.call('shutdown', null, context))
  return pid
}

/** Loads a model, starting the host when needed. @throws RouterError engine_not_installed, model_file_invalid, memory_no_fit */
export function loadModel(spec: ModelSpec, context: CliContext): Promise<LoadedModelRow> {
  return withHost(context, (client) => client.call('load', spec, context))
}

/** Frees the memory of every loaded copy of a file. @returns how many copies were unloaded */
export async function unloadModel(digest: string, context: CliContext): Promise<number> {
  if (!(await isRunning(context))) return 0
  const { unloaded } = await withHost(context, (client) => client.call('unload', { digest }, context))
  return unloaded
}

function isRunning(context: CliContext): Promise<boolean> {
  const { stateDir } = resolvePaths(context.env, process.platform)
  return new Promise((resolve) => {
    const socket = connect(hostEndpoint(stateDir).address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function withHost<T>(context: CliContext, use: (client: EngineClient) => Promise<T>): Promise<T> {
  const client = new EngineClient({ paths: resolvePaths(context.env, process.platform), env: { ...context.env } })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
