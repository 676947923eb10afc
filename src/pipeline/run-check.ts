/** Hands an answer to the command of the task's `verify`. */
import { dirname, resolve } from 'node:path'
import { codeIn } from '../gates/answer-code.ts'
import type { CheckResult } from '../spec/check-run.ts'
import type { VerifyPolicy } from '../spec/policy-verify.ts'
import type { AskContext } from './exchange.ts'

/** @throws RouterError cancelled */
export function runCheck(
  { deps, signal }: AskContext,
  command: NonNullable<VerifyPolicy['command']>,
  answer: string,
): Promise<CheckResult> {
  const { run, file, folder, timeout, memoryMb, maxOutputBytes, isolation } = command
  return deps.checks.run({
    command: run,
    file: { name: file, text: codeIn(answer).join('\n\n') },
    folder: folder === undefined ? null : resolve(dirname(deps.loaded.file), folder),
    timeoutMs: timeout,
    memoryMb,
    maxOutputBytes,
    isolation,
    signal,
  })
}
