/** The kill switch: a file in the state directory that every process of the machine looks at. */
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { KILL_MODES, type KillBook, type KillOrder, type KillSwitch } from '../spec/kill-switch.ts'
import { tryToRecord } from './audit-events.ts'
import { openWatchedFile } from './watched-file.ts'

export type KillSwitchStore = KillSwitch & KillBook

const MOST_CHANGES = 200

const order = z.strictObject({
  scope: z.string(),
  mode: z.enum(KILL_MODES),
  why: z.string(),
  by: z.string(),
  at: z.string(),
})
const change = order.extend({ mode: z.enum([...KILL_MODES, 'off']) })
const fileSchema = z.strictObject({ orders: z.array(order), history: z.array(change) })
type File = z.output<typeof fileSchema>

export function openKillSwitch(stateDir: string, monotonicMs: () => number): KillSwitchStore {
  const path = join(stateDir, 'kill-switch.json')
  const file = openWatchedFile<File>({
    path,
    schema: fileSchema,
    nothing: { orders: [], history: [] },
    unreadable: (error) => new RouterError('kill_switch_unreadable', { path }, error),
    monotonicMs,
  })
  const orders = (): readonly KillOrder[] => file.look().value?.orders ?? stopped(path)
  const write = ({ orders: given, history }: File): void =>
    file.write({ orders: given, history: history.slice(-MOST_CHANGES) })
  return {
    ordersFor({ task, tenant, group }) {
      const given = orders()
      if (given.length === 0) return given
      const concerned = ['all', `task:${task}`]
      if (tenant !== null) concerned.push(`tenant:${tenant}`)
      if (group !== null) concerned.push(`group:${group}`)
      return given.filter(({ scope }) => concerned.includes(scope))
    },
    list: orders,
    history: () => file.read().history,
    give: (given) =>
      file.inTurn(() => {
        const { orders: before, history } = file.read()
        write({ orders: [...before.filter(({ scope }) => scope !== given.scope), given], history: [...history, given] })
      }),
    lift: (lifted) =>
      file.inTurn(() => {
        const { orders: before, history } = file.read()
        const left = before.filter(({ scope }) => scope !== lifted.scope)
        if (left.length < before.length) write({ orders: left, history: [...history, { ...lifted, mode: 'off' }] })
        return left.length < before.length
      }),
    record: ({ scope, mode, why, by, at }) =>
      tryToRecord(stateDir, { kind: 'kill', by, at, what: { scope, mode, why } }),
  }
}

/** Somebody wrote an order that cannot be read: until it can, nobody is asked. */
function stopped(path: string): readonly KillOrder[] {
  const why = `${path} cannot be read`
  return [{ scope: 'all', mode: 'stop', why, by: 'spillway', at: new Date().toISOString() }]
}
