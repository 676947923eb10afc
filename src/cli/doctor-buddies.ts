/** Which tasks do without their buddy, because it cost more than it saved or did harm. */
import { join } from 'node:path'
import type { Paths } from '../models/paths.ts'
import { switchText } from '../spec/buddy.ts'
import { toRouterError } from '../spec/errors.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { openBuddies } from '../stores/buddies.ts'
import { type Check, fail, warn } from './doctor-check.ts'

/** One finding for each switched-off task of the policy; none while all pay. */
export function buddyChecks(loaded: LoadedPolicy | null, { stateDir }: Paths): readonly Check[] {
  const tasks = Object.entries(loaded?.policy.tasks ?? {}).filter(([, { pattern }]) => pattern.buddy !== undefined)
  if (tasks.length === 0) return []
  try {
    const off = openBuddies(join(stateDir, 'buddies'), () => 0).list()
    return off
      .filter(({ task }) => tasks.some(([name]) => name === task))
      .map(({ task, at, ...why }) => {
        const title = `buddy ${task}`
        const what = `Switched off on ${at.slice(0, 10)} for one setting of its options: ${switchText(why)}.`
        return warn(
          title,
          what,
          `Requests go the way of cascade. Other options of tasks.${task}.pattern start it again.`,
        )
      })
  } catch (error) {
    const { message, fix } = toRouterError(error)
    return [fail('buddy', message, fix)]
  }
}
