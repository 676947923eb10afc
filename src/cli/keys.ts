/** `spillway keys create | list | revoke | rotate`: gateway keys for others; the operator's own lies in a file. */
import { join } from 'node:path'
import { type IssuedKey, issueKey, type KeyGrant, listKeys, revokeKey, rotateKey } from '../gateway/issued-keys.ts'
import { withFileLock } from '../models/file-lock.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { longSpanMs } from './duration.ts'
import { usage } from './failure.ts'
import { type GrantFlags, grantOf, grantText, unknownNames } from './key-grant.ts'
import { findPolicy } from './policy-lookup.ts'
import { renderTable } from './table.ts'
import { printResult } from './terminal.ts'

interface KeyFlags {
  readonly json?: true
}

interface CreateFlags extends KeyFlags, GrantFlags {
  readonly expires?: string
}

interface RotateFlags extends KeyFlags {
  readonly grace?: string
}

export const addKeys: AddCommand = (program, context) => {
  const keys = program.command('keys').description('gateway keys for other people and programs')
  addCommand(keys, 'create <name>', 'issue a key; it is shown once and stored hashed')
    .option('--tasks <names>', 'only these tasks, separated by commas')
    .option('--models <names>', 'only these models or tiers')
    .option('--tenants <names>', 'only these tenants; a single one is the tenant of every request')
    .option('--partition <partition>', 'at least this strict: public, internal or local_only')
    .option('--budget-day <usd>', 'US dollars a day, UTC')
    .option('--budget-month <usd>', 'US dollars a month, UTC')
    .option('--rate <n/min>', 'requests a minute')
    .option('--tokens-per-minute <n>', 'tokens a minute, questions and answers together')
    .option('--concurrency <n>', 'requests at the same time')
    .option('--expires <span>', 'refuse the key after a span such as 12h or 90d')
    .option('--override', 'may choose local or frontier with the header x-spillway-route')
    .action((name: string, flags: CreateFlags) => create(name, flags, context))
  addCommand(keys, 'list', 'the keys that were issued, and what each may do').action((flags: KeyFlags) =>
    list(flags, context),
  )
  addCommand(keys, 'revoke <id>', 'refuse a key from now on').action((id: string, flags: KeyFlags) =>
    revoke(id, flags, context),
  )
  addCommand(keys, 'rotate <id>', 'a new secret for a key; what it may do and what it spent stay')
    .option('--grace <span>', 'let the secret before open for a span such as 24h; default: not any more')
    .action((id: string, flags: RotateFlags) => rotate(id, flags, context))
}

async function create(name: string, flags: CreateFlags, context: CliContext): Promise<void> {
  if (name.trim() === '')
    throw usage('The name of the key is empty', 'Say whose key it is: spillway keys create alice.')
  const expiresInMs = flags.expires === undefined ? undefined : longSpanMs('--expires', flags.expires)
  const grant = grantOf(flags)
  const wanted = { name: name.trim(), grant, ...(expiresInMs !== undefined && { expiresInMs }) }
  const issued = await changing(context, (stateDir) => issueKey(stateDir, wanted))
  context.terminal.say(`Key ${issued.id} for ${issued.name}; it is not shown again.`)
  warnOfUnknown(grant, context)
  printResult({ json: flags.json, value: issued, lines: [issued.key] }, context.terminal)
}

/** What the policy does not know yet it may know tomorrow; but a misspelt name opens nothing. */
function warnOfUnknown(grant: KeyGrant, context: CliContext): void {
  if (!grant.tasks && !grant.models) return
  const unknown = unknownNames(grant, findPolicy(undefined, context).policy)
  if (unknown.length > 0) context.terminal.say(`The policy here does not know ${unknown.join(', ')}.`)
}

function list(flags: KeyFlags, context: CliContext): void {
  const keys = listKeys(stateDirOf(context))
  if (keys.length === 0) context.terminal.say('No keys were issued; the operator key needs none.')
  const rows = keys.map((key) => [key.id, key.name, key.createdAt, endOf(key), grantText(key.grant)])
  const { columns } = context.terminal
  const shape = { columns, whole: ['may'] }
  const lines = rows.length === 0 ? [] : renderTable(['id', 'name', 'created', 'ends', 'may'], rows, shape)
  printResult({ json: flags.json, value: keys, lines }, context.terminal)
}

function endOf({ expiresAt, previousUntil }: IssuedKey): string {
  const rotated = previousUntil !== undefined && Date.parse(previousUntil) > Date.now()
  return [expiresAt ?? 'never', ...(rotated ? [`old secret ${previousUntil}`] : [])].join(', ')
}

async function revoke(id: string, flags: KeyFlags, context: CliContext): Promise<void> {
  const revoked = await changing(context, (stateDir) => revokeKey(stateDir, id))
  if (!revoked) throw unknownKey(id)
  printResult(
    { json: flags.json, value: { id, revoked }, lines: [`Key ${id} is refused from now on.`] },
    context.terminal,
  )
}

async function rotate(id: string, flags: RotateFlags, context: CliContext): Promise<void> {
  const graceMs = flags.grace === undefined ? 0 : longSpanMs('--grace', flags.grace)
  const rotated = await changing(context, (stateDir) => rotateKey(stateDir, id, { graceMs }))
  if (!rotated) throw unknownKey(id)
  const before = rotated.previousUntil === undefined ? 'is refused from now on' : `opens until ${rotated.previousUntil}`
  context.terminal.say(`Key ${id} for ${rotated.name} has a new secret, not shown again; the one before ${before}.`)
  printResult({ json: flags.json, value: rotated, lines: [rotated.key] }, context.terminal)
}

function unknownKey(id: string): RouterError {
  return new RouterError('not_found', { subject: 'key', value: id, fix: 'See `spillway keys list`.' })
}

function stateDirOf(context: CliContext): string {
  return resolvePaths(context.env, process.platform).stateDir
}

/** One process at a time, so that no change is lost. The key file is small; what can go wrong is the folder it lies in. */
async function changing<T>(context: CliContext, change: (stateDir: string) => T): Promise<T> {
  const stateDir = stateDirOf(context)
  try {
    const lock = { file: join(stateDir, 'keys.json.lock'), signal: context.signal }
    return await withFileLock(lock, async () => change(stateDir))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null || error instanceof RouterError || context.signal.aborted) throw error
    if (code === 'ENOSPC') throw new RouterError('disk_full', { path: stateDir }, error)
    throw usage(
      `The keys in ${stateDir} cannot be changed (${code})`,
      'Make the folder writable, or move it with XDG_STATE_HOME.',
    )
  }
}
