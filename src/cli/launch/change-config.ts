/** `launch --write` and `--undo`: the one way in which a client's own configuration file is changed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { issueKey, type KeyGrant, revokeKey } from '../../gateway/issued-keys.ts'
import type { CliContext } from '../context.ts'
import { usage } from '../failure.ts'
import { findPolicy } from '../policy-lookup.ts'
import { printResult } from '../terminal.ts'
import { clientNamed } from './child.ts'
import { CLIENT_NAMES, type Client, type ClientPlace } from './client.ts'
import { changingKeys } from './door.ts'
import { lineDiff } from './line-diff.ts'
import { textOf } from './settings-file.ts'

export interface Change {
  readonly name: string
  readonly undo: boolean
  readonly grant: KeyGrant
  readonly policy: string | undefined
  readonly json: true | undefined
}

/** What `--undo` needs to know. */
const changeSchema = z.object({
  file: z.string(),
  /** Null: there was no file. */
  backup: z.string().nullable(),
  /** Permission bits of the file before. */
  mode: z.number().nullable(),
  written: z.string(),
  keyId: z.string(),
})

type Written = z.output<typeof changeSchema>

/** @throws RouterError usage: the file cannot be changed, or not back */
export async function changeConfig(change: Change, place: ClientPlace, context: CliContext): Promise<void> {
  const client = clientNamed(change.name)
  if (!client)
    throw usage(`${change.name} is no client whose files are known`, `Name one of ${CLIENT_NAMES.join(', ')}.`)
  if (change.undo) await undo(client, change, place, context)
  else await write(client, change, place, context)
}

async function write(client: Client, change: Change, place: ClientPlace, context: CliContext): Promise<void> {
  const last = lastChange(client, place)
  if (last)
    throw usage(
      `${last.file} was changed before, and that is not taken back`,
      `Run \`spillway launch --undo ${client.name}\` first.`,
    )
  const { gateway } = findPolicy(change.policy, context).policy
  const url = `http://${gateway.host.includes(':') ? `[${gateway.host}]` : gateway.host}:${gateway.port}`
  // What cannot be changed is found before a key is made for it.
  const { file } = client.written({ url, key: '' }, place)
  const before = textOf(file)
  client.written({ url, key: '' }, place).change(before)
  const issued = await changingKeys(context, (stateDir) =>
    issueKey(stateDir, { name: `${client.name} (written)`, grant: change.grant }),
  )
  const plan = client.written({ url, key: issued.key }, place)
  const after = plan.change(before)
  const backup = before === null ? null : `${file}.before-spillway`
  const mode = before === null ? null : statSync(file).mode & 0o777
  try {
    keep(join(place.ownFolder, `${client.name}.key`), `${issued.key}\n`)
    if (backup !== null) keep(backup, before ?? '')
    keep(recordFile(client, place), `${JSON.stringify({ file, backup, mode, written: after, keyId: issued.id })}\n`)
    keep(file, after)
  } catch (error) {
    await changingKeys(context, (stateDir) => revokeKey(stateDir, issued.id))
    for (const left of [recordFile(client, place), join(place.ownFolder, `${client.name}.key`)])
      rmSync(left, { force: true })
    throw unwritable(file, error)
  }
  const diff = lineDiff(before ?? '', after).map((line) => line.replaceAll(issued.key, 'spw_…'))
  const next = [
    ...plan.next,
    'spillway serve   # or `spillway service install`: the file counts on a gateway that runs',
  ]
  const lines = [`wrote ${file}${backup === null ? '' : `, backup ${backup}`}`, ...diff]
  printResult(
    { json: change.json, value: { client: client.name, file, backup, url, keyId: issued.id, diff, next }, lines },
    context.terminal,
  )
  for (const line of next) context.terminal.say(`Next: ${line}`)
  context.terminal.say(`Take it back: spillway launch --undo ${client.name}`)
}

async function undo(client: Client, change: Change, place: ClientPlace, context: CliContext): Promise<void> {
  const last = lastChange(client, place)
  if (!last) throw usage(`Nothing of ${client.title} was written`, 'There is nothing to take back.')
  const { file, backup, mode, written, keyId } = last
  const now = textOf(file)
  if (now !== written)
    throw usage(
      `${file} was changed since it was written, so it is not put back`,
      backup === null
        ? `Take out what names Spillway by hand; \`spillway keys revoke ${keyId}\` ends its key.`
        : `Compare it with ${backup} by hand; \`spillway keys revoke ${keyId}\` ends its key.`,
    )
  const before = backup === null ? null : readFileSync(backup, 'utf8')
  try {
    if (before === null) rmSync(file, { force: true })
    else replace(file, before, mode ?? OWNER_ONLY)
    if (backup !== null) rmSync(backup, { force: true })
  } catch (error) {
    throw unwritable(file, error)
  }
  await changingKeys(context, (stateDir) => revokeKey(stateDir, keyId))
  for (const own of [recordFile(client, place), join(place.ownFolder, `${client.name}.key`)])
    rmSync(own, { force: true })
  const lines = [before === null ? `removed ${file}, which was not there before` : `put ${file} back as it was`]
  printResult(
    { json: change.json, value: { client: client.name, file, restored: before !== null, keyId }, lines },
    context.terminal,
  )
}

function recordFile(client: Client, place: ClientPlace): string {
  return join(place.ownFolder, `${client.name}.json`)
}

function lastChange(client: Client, place: ClientPlace): Written | null {
  const text = textOf(recordFile(client, place))
  if (text === null) return null
  try {
    return changeSchema.parse(JSON.parse(text))
  } catch (error) {
    const file = recordFile(client, place)
    throw usage(
      `${file} cannot be read (${error instanceof SyntaxError ? 'no JSON' : 'not ours'})`,
      'Move it aside; the backup lies beside the file that was changed.',
    )
  }
}

/** It may hold a key, so it is its owner's alone. */
const OWNER_ONLY = 0o600

function keep(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  replace(file, text, OWNER_ONLY)
}

/** In one step, so that a client never reads half of it; a link stays one. */
function replace(file: string, text: string, mode: number): void {
  const target = existsSync(file) ? realpathSync(file) : file
  const draft = `${target}.${process.pid}.new`
  writeFileSync(draft, text, { mode })
  chmodSync(draft, mode)
  try {
    renameSync(draft, target)
  } finally {
    rmSync(draft, { force: true })
  }
}

function unwritable(file: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return usage(`${file} cannot be changed (${code})`, 'Make the file and its folder writable.')
}
