/** `spillway tasks suggest`: the task of one request. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { policyText } from '../eval/discover/policy-yaml.ts'
import { suggest } from '../eval/discover/propose.ts'
import { readRow } from '../eval/import/log-formats.ts'
import type { LoggedCall } from '../eval/import/logged-call.ts'
import { parsePolicy } from '../stores/policy-file.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { nameOf } from './json-lines.ts'
import { callOf } from './logged-calls.ts'
import { groupOf } from './tasks-text.ts'
import { modelsOfTraffic, type TrafficModels } from './traffic-models.ts'
import { sha256 } from './traffic-study.ts'

export interface SuggestSettings {
  /** Null: the model that the request asks for. */
  readonly models: TrafficModels | null
  readonly json: true | undefined
}

/** @param file one request as JSON, over any number of lines; `-` reads stdin */
export async function suggestTask(file: string, settings: SuggestSettings, { terminal }: CliContext): Promise<void> {
  const call = await requestIn(file)
  const proposal = suggest(call, { sha256 })
  const models = settings.models ?? modelsOfTraffic([call])
  const { section, frontierFor } = models
  const from = `one request in ${nameOf(file)}`
  const policy = policyText({ proposals: [proposal], account: null, models: section, from, frontierFor })
  parsePolicy(policy, { file: 'the proposed policy', env: {} })
  if (settings.json) terminal.json({ ...groupOf(proposal), policy })
  else terminal.print(policy.trimEnd())
}

async function requestIn(file: string): Promise<LoggedCall> {
  const row = parsed(await textOf(file))
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw usage(`${nameOf(file)} is not one JSON object`, 'Give one request; `tasks discover` reads many.')
  const read = readRow(row as Readonly<Record<string, unknown>>, 'jsonl')
  const call = 'call' in read ? callOf(read.call, { file, line: 1, onBadLine: undefined }) : null
  if (call === null) throw usage(`${nameOf(file)} holds no request`, 'Give { wire, body }, or a body with messages.')
  return call
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`${file} cannot be read (${code})`, 'Name a file with one request as JSON, or - for stdin.')
  }
}

function parsed(written: string): unknown {
  try {
    return JSON.parse(written)
  } catch {
    return null
  }
}
