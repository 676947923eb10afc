/** `spillway models servers`: model servers that run on this machine, and what probes found out about their models. */
import { detectLocalServers, type LocalServerFound, serverPorts } from '../models/local-servers.ts'
import { resolvePaths } from '../models/paths.ts'
import { type ProbeRecord, readProbes } from '../models/probe.ts'
import type { CliContext } from './context.ts'
import { type Check, type CheckPlace, ok } from './doctor-check.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

export interface ServerFlags {
  readonly json?: true
}

export async function listServers(flags: ServerFlags, context: CliContext): Promise<void> {
  const { cacheDir } = resolvePaths(context.env, process.platform)
  const [found, records] = await Promise.all([
    detectLocalServers({ ports: serverPorts(context.env), signal: context.signal }),
    readProbes(cacheDir),
  ])
  const servers = found.map((server) => ({
    ...server,
    models: server.models.map((model) => ({ ...model, probe: probeOf(records, server, model.id) })),
  }))
  const rows = servers.flatMap(({ kind, baseUrl, version, models }) =>
    (models.length === 0 ? [null] : models).map((model) => [
      kind,
      baseUrl,
      version ?? '',
      model?.id ?? 'no model',
      model?.runsAt ?? 'here',
      model?.probe?.abilities?.logprobs ?? 'not probed',
      model?.probe?.abilities?.tools ?? 'not probed',
    ]),
  )
  const titles = ['server', 'address', 'version', 'model', 'runs', 'log-probs', 'tools']
  const lines = rows.length === 0 ? [NONE] : renderTable(titles, rows, context.terminal)
  printResult({ json: flags.json, value: { servers }, lines }, context.terminal)
}

/** A machine without such servers is as it should be: the embedded engine needs none. */
export async function serversCheck({ env, signal }: CheckPlace): Promise<Check> {
  const servers = await detectLocalServers({ ports: serverPorts(env), signal })
  if (servers.length === 0) return ok('local servers', NONE)
  const told = servers.map(({ kind, baseUrl, models }) => `${kind} at ${baseUrl} (${modelCount(models.length)})`)
  return ok('local servers', `Running: ${told.join(', ')}.`)
}

const NONE = 'No model server runs on the usual ports of this machine.'

function modelCount(count: number): string {
  return count === 1 ? '1 model' : `${count} models`
}

/** Of several versions of a server the record made last. */
function probeOf(records: readonly ProbeRecord[], { baseUrl }: LocalServerFound, model: string): ProbeRecord | null {
  const own = records.filter((record) => record.baseUrl.replace(/\/+$/, '') === baseUrl && record.model === model)
  return own.sort((a, b) => b.at.localeCompare(a.at))[0] ?? null
}
