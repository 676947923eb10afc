/** The policy in force with the origin of every value, and what another one would change. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { RouterError } from '../../spec/errors.ts'
import { parsePolicy } from '../../stores/policy-file.ts'
import { type PolicyDifference, policyDifferences } from '../policy-diff.ts'
import { withoutSecrets } from '../policy-exposure.ts'
import { invalid, type Reading } from './reading.ts'

/** `file`: the policy file says so. `default`: nobody does. */
export interface PolicyValue {
  readonly key: string
  readonly value: unknown
  readonly origin: 'file' | 'default'
}

export interface PolicyPage {
  readonly file: string
  readonly digest: string
  readonly values: readonly PolicyValue[]
  /** Why the file as it stands now is not in force; null when it is. */
  readonly problem: string | null
  /** The file as it stands now, with secrets left out; null where there is none, as for the shipped policy. */
  readonly text: string | null
}

export function policy({ loaded, values: { problem } }: Reading): PolicyPage {
  const text = fileText(loaded.file)
  const said = new Set(policyDifferences({}, parsed(text)).map(({ key }) => key))
  // What two policies differ in has a path; the whole has none.
  const values = policyDifferences({}, withoutSecrets(loaded.policy)).filter(({ key }) => key !== '')
  const isSaid = (key: string): boolean => [...said].some((own) => own === key || key.startsWith(`${own}.`))
  return {
    file: loaded.file,
    digest: loaded.digest,
    values: values.map(({ key, new: value }) => ({ key, value, origin: isSaid(key) ? 'file' : 'default' })),
    problem: problem ?? null,
    text: text === null ? null : String(withoutSecrets(text)),
  }
}

export interface PolicyCheck {
  readonly ok: boolean
  /** What is wrong, and what to do; null when nothing is. */
  readonly problem: { readonly message: string; readonly fix: string } | null
  readonly differences: readonly PolicyDifference[]
}

/** Nothing is written and nothing comes in force. @throws RouterError request_invalid */
export function policyCheck({ loaded, values: { text }, env }: Reading): PolicyCheck {
  if (text === undefined) throw invalid('text', 'there is no policy', 'Send {"text": "<YAML>"}.')
  try {
    const next = parsePolicy(text, { file: loaded.file, env })
    const differences = policyDifferences(withoutSecrets(loaded.policy), withoutSecrets(next.policy))
    return { ok: true, problem: null, differences }
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    return { ok: false, problem: { message: error.message, fix: error.fix }, differences: [] }
  }
}

function fileText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** A file that is broken now says nothing of where values came from. */
function parsed(text: string | null): unknown {
  try {
    return text === null ? {} : (parse(text) ?? {})
  } catch {
    return {}
  }
}
