/** `spillway keys create | list | revoke`: gateway keys for others; the operator's own lies in a file. */
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { renderTable } from './table.ts'

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
