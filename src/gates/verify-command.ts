import type { CheckResult } from '../spec/check-run.ts'
import { accept, type Gate, reject } from './gate.ts'

/**
 * The command of `verify.command` ended with exit code 0. A command that was not run says nothing, and nothing accepts nothing
 * (`signal_unavailable`).
 */
export const verifyCommand: Gate = ({ opinions }) => {
  const result = opinions?.check
  if (!result || result.state === 'not_run') {
    const detail = `The command was not run: ${result?.why ?? 'nobody asked for it'}.`
    return reject('verify_command', { reason: 'signal_unavailable', detail })
  }
  if (result.state === 'stopped')
    return reject('verify_command', { reason: 'check_failed', detail: `${STOPPED[result.why]}${where(result)}.` })
  const detail = `The command ended with exit code ${result.exitCode}${where(result)}.`
  if (result.exitCode === 0) return accept('verify_command', detail, { score: 0, threshold: 0 })
  return reject('verify_command', { reason: 'check_failed', detail, score: result.exitCode, threshold: 0 })
}

const STOPPED: Readonly<Record<Extract<CheckResult, { state: 'stopped' }>['why'], string>> = {
  time: 'The command did not end in time and was ended',
  memory: 'The command took more memory than it may and was ended',
  output: 'The command wrote more than it may and was ended',
  processes: 'The command started more processes than it may and was ended',
  signal: 'The command was ended by a signal',
}

function where({ isolated }: { readonly isolated: boolean }): string {
  return isolated ? ', shut in' : ', not shut in'
}
