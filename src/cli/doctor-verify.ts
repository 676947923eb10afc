/** Whether commands over answers (`verify.command`) can be shut in on this machine. */
import { sandboxObstacle } from '../models/check-sandbox.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, fail, ok, warn } from './doctor-check.ts'

/** @returns none where no task has such a command */
export function verifyChecks(loaded: LoadedPolicy | null): readonly Check[] {
  const tasks = Object.entries(loaded?.policy.tasks ?? {}).filter(([, { verify }]) => verify?.command)
  const names = tasks.map(([name]) => name).join(', ')
  if (names === '') return []
  const obstacle = sandboxObstacle()
  if (obstacle === null)
    return [
      ok(
        'verify',
        `The commands of ${names} run in namespaces of their own: no network, a read-only system, home and temporary folders empty.`,
      ),
    ]
  const found = `The commands of ${names} cannot be shut in: ${obstacle}.`
  const fix = 'Install util-linux and allow user namespaces, or run the gateway in a container of its own.'
  if (tasks.some(([, { verify }]) => verify?.command?.isolation === 'required'))
    return [fail('verify', `${found} isolation: required accepts nothing here.`, fix)]
  return [warn('verify', `${found} Their limits are no security boundary.`, fix)]
}
