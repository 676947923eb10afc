/** Settings that operators set aside for a while: a file in the state directory that every process of the machine looks at. */
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import {
  OVERRIDE_KEYS,
  type OverrideBook,
  type OverrideChange,
  type TaskOverride,
  type TaskOverrides,
} from '../spec/task-override.ts'
import { tryToRecord } from './audit-events.ts'
import { openWatchedFile } from './watched-file.ts'

export type TaskOverrideStore = TaskOverrides & OverrideBook

const MOST_CHANGES = 200

const common = { task: z.string(), why: z.string(), by: z.string(), at: z.iso.datetime() }
const until = z.iso.datetime()
const override = z.discriminatedUnion('key', [
  z.strictObject({ ...common, until, key: z.literal('route'), value: z.enum(['local', 'frontier']) }),
  z.strictObject({ ...common, until, key: z.literal('minConfidence'), value: z.number().min(0).max(1) }),
])
const lifted = z.strictObject({ ...common, key: z.enum(OVERRIDE_KEYS), value: z.null() })
const fileSchema = z.strictObject({ overrides: z.array(override), history: z.array(z.union([override, lifted])) })
type File = z.output<typeof fileSchema>

export interface OverrideClock {
  monotonicMs(): number
  epochMs(): number
}

export function openTaskOverrides(stateDir: string, clock: OverrideClock): TaskOverrideStore {
  const path = join(stateDir, 'task-overrides.json')
  const file = openWatchedFile<File>({
    path,
    schema: fileSchema,
    nothing: { overrides: [], history: [] },
    unreadable: (error) => new RouterError('overrides_unreadable', { path }, error),
    monotonicMs: clock.monotonicMs,
  })
  const holds = (one: TaskOverride): boolean => Date.parse(one.until) > clock.epochMs()
  const write = (overrides: File['overrides'], history: readonly OverrideChange[]): void =>
    file.write({ overrides: overrides.filter(holds), history: history.slice(-MOST_CHANGES) })
  const isSame = (one: Pick<TaskOverride, 'task' | 'key'>, other: Pick<TaskOverride, 'task' | 'key'>): boolean =>
    one.task === other.task && one.key === other.key
  return {
    inForce(task) {
      const { value } = file.look()
      if (!value || value.overrides.length === 0) return NONE
      return value.overrides.filter((one) => one.task === task && holds(one))
    },
    problem: () => (file.look().problem ? `${path} cannot be read` : null),
    list: () => file.read().overrides.filter(holds),
    history: () => file.read().history,
    set: (given) =>
      file.inTurn(() => {
        const { overrides, history } = file.read()
        write([...overrides.filter((one) => !isSame(one, given)), given], [...history, given])
      }),
    lift: (change) =>
      file.inTurn(() => {
        const { overrides, history } = file.read()
        const left = overrides.filter((one) => !isSame(one, change))
        const isThere = overrides.some((one) => isSame(one, change) && holds(one))
        if (isThere) write(left, [...history, change])
        return isThere
      }),
    record: ({ by, at, ...what }) => tryToRecord(stateDir, { kind: 'override', by, at, what }),
  }
}

const NONE: readonly TaskOverride[] = []

/** For a router that is a trial: what holds for live traffic is not its business. */
export const NO_OVERRIDES: TaskOverrides = { inForce: () => NONE, problem: () => null }
