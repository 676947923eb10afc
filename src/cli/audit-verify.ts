/** `spillway audit verify | anchor`: whether the audit is what was written. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { resolvePaths } from '../models/paths.ts'
import type { ChainHead, ChainReport } from '../stores/audit-chain.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { ExitCode, usage } from './failure.ts'

interface VerifyFlags {
  readonly anchor?: string
  readonly json?: true
}

export const addAuditVerify: AddCommand = (audit, context) => {
  addCommand(audit, 'verify', 'check every settled record against the hash chain')
    .option('--anchor <file>', 'heads that `audit anchor` wrote earlier and that were kept elsewhere')
    .action((flags: VerifyFlags) => verify(flags, context))
  addCommand(audit, 'anchor', 'print the heads of the chains, to be kept elsewhere').action((flags: VerifyFlags) =>
    anchor(flags, context),
  )
}

async function verify(flags: VerifyFlags, context: CliContext): Promise<void> {
  const anchors = flags.anchor === undefined ? [] : readAnchors(flags.anchor)
  const report = await reportOf(anchors, context)
  const holds = report.problems.length === 0
  if (flags.json) context.terminal.json({ holds, ...report, anchored: anchors.length })
  else {
    for (const { kind, subject } of report.problems) context.terminal.print(`${kind} ${subject}`)
    const older = report.older === 0 ? '' : `, ${report.older} settled before there was a chain`
    const purged = report.purged === 0 ? '' : `, ${report.purged} deleted on purpose`
    const looked = `${report.records} records, ${report.links} links, ${anchors.length} anchors${older}${purged}`
    context.terminal.print(holds ? `holds: ${looked}` : `broken: ${report.problems.length} problems in ${looked}`)
  }
  if (!holds) throw new ExitCode(1)
}

async function anchor(flags: VerifyFlags, context: CliContext): Promise<void> {
  const { heads } = await reportOf([], context)
  if (flags.json) context.terminal.json(heads)
  else for (const head of heads) context.terminal.print(JSON.stringify(head))
}

async function reportOf(anchors: readonly ChainHead[], context: CliContext): Promise<ChainReport> {
  const { readAuditLog } = await import('../stores/audit-log.ts')
  const log = readAuditLog({ stateDir: resolvePaths(context.env, process.platform).stateDir })
  try {
    return (
      log.verify(anchors) ?? {
        links: 0,
        records: 0,
        events: 0,
        purged: 0,
        older: 0,
        heads: [],
        problems: anchors.map(asMissing),
      }
    )
  } finally {
    log.close()
  }
}

function asMissing({ writer, n }: ChainHead): ChainReport['problems'][number] {
  return { kind: 'anchor', subject: `${writer} ${n}` }
}

const headSchema = z.strictObject({ writer: z.string(), n: z.number().int().positive(), mac: z.string() })

/** As `audit anchor` prints them: a line for each, or one JSON list. */
function readAnchors(file: string): readonly ChainHead[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    throw usage(`--anchor ${file} cannot be read`, 'Give the file that `spillway audit anchor` was written to.')
  }
  try {
    const values: unknown = text.startsWith('[') ? JSON.parse(text) : text.split('\n').map((line) => JSON.parse(line))
    return z.array(headSchema).min(1).parse(values)
  } catch {
    throw usage(
      `--anchor ${file} holds no heads of a chain`,
      'Give the file that `spillway audit anchor` was written to.',
    )
  }
}
