/** `spillway keys create | list | revoke`: gateway keys for others; the operator's own lies in a file. */
import { issueKey, listKeys, revokeKey } from '../gateway/keys.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

interface KeyFlags {
  readonly json?: true
}

export const addKeys: AddCommand = (program, context) => {
  const keys = program.command('keys').description('gateway keys for other people and programs')
  addCommand(keys, 'create <name>', 'issue a key; it is shown once and stored hashed').action(
    (name: string, flags: KeyFlags) => create(name, flags, context),
  )
  addCommand(keys, 'list', 'the keys that were issued').action((flags: KeyFlags) => list(flags, context))
  addCommand(keys, 'revoke <id>', 'refuse a key from now on').action((id: string, flags: KeyFlags) =>
    revoke(id, flags, context),
  )
}

function create(name: string, flags: KeyFlags, context: CliContext): void {
  if (name.trim() === '')
    throw usage('The name of the key is empty', 'Say whose key it is: spillway keys create alice.')
  const issued = onDisk(() => issueKey(stateDirOf(context), name.trim()), context)
  context.terminal.say(`Key ${issued.id} for ${issued.name}; it is not shown again.`)
  printResult({ json: flags.json, value: issued, lines: [issued.key] }, context.terminal)
}

function list(flags: KeyFlags, context: CliContext): void {
  const keys = listKeys(stateDirOf(context))
  if (keys.length === 0) context.terminal.say('No keys were issued; the operator key needs none.')
  const rows = keys.map((key) => [key.id, key.name, key.createdAt])
  const lines = rows.length === 0 ? [] : renderTable(['id', 'name', 'created'], rows, context.terminal)
  printResult({ json: flags.json, value: keys, lines }, context.terminal)
}

function revoke(id: string, flags: KeyFlags, context: CliContext): void {
  const revoked = onDisk(() => revokeKey(stateDirOf(context), id), context)
  if (!revoked) throw new RouterError('not_found', { subject: 'key', value: id, fix: 'See `spillway keys list`.' })
  printResult(
    { json: flags.json, value: { id, revoked }, lines: [`Key ${id} is refused from now on.`] },
    context.terminal,
  )
}

function stateDirOf(context: CliContext): string {
  return resolvePaths(context.env, process.platform).stateDir
}

/** The key file is small; what can go wrong is the folder it lies in. */
function onDisk<T>(change: () => T, context: CliContext): T {
  try {
    return change()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null) throw error
    if (code === 'ENOSPC') throw new RouterError('disk_full', { path: stateDirOf(context) }, error)
    throw usage(
      `The keys in ${stateDirOf(context)} cannot be changed (${code})`,
      'Make the folder writable, or move it with XDG_STATE_HOME.',
    )
  }
}
