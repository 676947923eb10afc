/** `spillway uninstall`: lists what Spillway wrote on this machine, and removes it when told to. */
import { existsSync } from 'node:fs'
import { sep } from 'node:path'
import { type Paths, resolvePaths } from '../models/paths.ts'
import { readRegistry } from '../models/registry.ts'
import { RouterError } from '../spec/errors.ts'
import { auditPaths } from '../stores/audit-log.ts'
import { isAlive, listJournals } from '../stores/journal-files.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { hostStatus } from './engine-host.ts'
import { ExitCode } from './failure.ts'
import { type ForeignFile, inventory, removeOwn } from './own-files.ts'
import { runningServer } from './running-server.ts'
import { recordFile } from './service/record.ts'
import { sizeText } from './size-text.ts'
import { printResult } from './terminal.ts'

interface UninstallFlags {
  readonly yes?: true
  readonly json?: true
}

export const addUninstall: AddCommand = (program, context) => {
  addCommand(program, 'uninstall', 'list everything Spillway wrote on this machine, with sizes; --yes removes it')
    .option('--yes', 'remove it; what was recorded and learned cannot be brought back')
    .action((flags: UninstallFlags) => uninstall(flags, context))
}

async function uninstall(flags: UninstallFlags, context: CliContext): Promise<void> {
  const paths = resolvePaths(context.env, process.platform)
  const found = inventory(paths)
  const left = [...found.left, ...modelsElsewhere(paths)]
  const sizeBytes = found.own.reduce((sum, one) => sum + one.sizeBytes, 0)
  if (flags.yes) await refuseWhileRunning(paths, context)
  const failed = flags.yes ? removeOwn(found, paths) : []
  const removed = flags.yes === true
  const lines = [
    ...found.own.map(
      (one) => `${removed ? 'removed' : 'would remove'} ${one.path} (${one.what}, ${sizeText(one.sizeBytes)})`,
    ),
    ...left.map(({ path, why }) => `left ${path} (${why})`),
    ...failed.map(({ path, why }) => `could not remove ${path} (${why})`),
    `${removed ? 'removed' : 'in all'}: ${sizeText(sizeBytes)}`,
  ]
  printResult(
    { json: flags.json, value: { removed, sizeBytes, own: found.own, left, failed }, lines },
    context.terminal,
  )
  if (!removed) context.terminal.say('Nothing was removed: run it with --yes.')
  context.terminal.say(
    'The package itself goes with `npm uninstall spillway`; completion scripts stand where you put them.',
  )
  if (failed.length > 0) throw new ExitCode(1)
}

/** Registered where they are: they belong to whoever put them there. */
function modelsElsewhere(paths: Paths): readonly ForeignFile[] {
  try {
    return readRegistry(paths)
      .filter(({ path }) => !path.startsWith(paths.dataDir + sep))
      .map(({ path, name }) => ({ path, why: `model ${name}, of another program or yours` }))
  } catch {
    // A registry that cannot be read is removed with the rest; the files it named are elsewhere in any case.
    return []
  }
}

/** @throws RouterError in_use */
async function refuseWhileRunning(paths: Paths, context: CliContext): Promise<void> {
  const { stateDir } = paths
  // Otherwise the system would start it again, and again.
  if (existsSync(recordFile(stateDir)))
    throw inUse(stateDir, 'the service is installed', 'Run `spillway service uninstall`.')
  const server = await runningServer(stateDir)
  if (server) throw inUse(stateDir, `${server.url} serves`, 'Stop `spillway serve`.')
  const host = await hostStatus(context)
  if (host) throw inUse(stateDir, `the engine host (process ${host.pid}) runs`, 'Run `spillway engine stop`.')
  const writer = listJournals(auditPaths(stateDir).directory).find(isAlive)
  if (writer) throw inUse(stateDir, `process ${writer.pid} writes to it`, `End process ${writer.pid} in good order.`)
}

function inUse(path: string, problem: string, fix: string): RouterError {
  return new RouterError('in_use', { path, problem, fix })
}
