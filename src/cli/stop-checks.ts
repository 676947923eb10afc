/** What the stop checks of a policy can do: on, or off and why. */
import { unseenTexts, whyOff } from '../learn/harmless.ts'
import type { LoadedPolicy } from '../spec/policy.ts'
import { type Check, ok, warn } from './doctor-check.ts'

export interface StopCheckState {
  readonly task: string
  readonly isOn: boolean
  /** One sentence. */
  readonly why: string
  /** Null when there is nothing to do. */
  readonly fix: string | null
}

export function stopCheckStates({ policy, heads, harmless }: LoadedPolicy): readonly StopCheckState[] {
  return Object.entries(policy.tasks).flatMap(([task, { stopCheck }]) => {
    if (!stopCheck) return []
    const texts = unseenTexts(harmless.get(task), heads.get(stopCheck.task))
    const off = whyOff(stopCheck, texts)
    const on = `A yes of ${stopCheck.task} stops (${stopCheck.kind}), beside ${texts.length} harmless texts.`
    const fix = `Add harmless texts to tasks.${task}.stopCheck.harmless; until then terms alone stop.`
    return [off === null ? { task, isOn: true, why: on, fix: null } : { task, isOn: false, why: `Off: ${off}.`, fix }]
  })
}

export function stopCheckChecks(loaded: LoadedPolicy | null): readonly Check[] {
  return (loaded ? stopCheckStates(loaded) : []).map(({ task, why, fix }) =>
    fix === null ? ok(`stop check ${task}`, why) : warn(`stop check ${task}`, why, fix),
  )
}
