/** The kill switch: a file in the state directory that every process of the machine looks at. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { KILL_MODES, type KillOrder, type KillSwitch } from '../spec/kill-switch.ts'

export interface KillSwitchStore extends KillSwitch {
  /** Orders in force. */
  list(): readonly KillOrder[]
  /** The latest changes, oldest first. */
  history(): readonly KillChange[]
  /** Takes the place of an order for the same scope. */
  give(order: KillOrder): void
  /** @returns false when there was no order for this scope */
  lift(order: Omit<KillOrder, 'mode'>): boolean
}

export type KillChange = Omit<KillOrder, 'mode'> & { readonly mode: KillOrder['mode'] | 'off' }

/** A fifth of a second: with the time of a request an order is obeyed well within one. */
const LOOK_MS = 200
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

const NOTHING: File = { orders: [], history: [] }

export function openKillSwitch(stateDir: string, monotonicMs: () => number): KillSwitchStore {
  const path = join(stateDir, 'kill-switch.json')
  let known: { readonly at: number; readonly version: string; readonly orders: readonly KillOrder[] } | null = null
  const orders = (): readonly KillOrder[] => {
    const now = monotonicMs()
    if (known && now - known.at < LOOK_MS) return known.orders
    const version = versionOf(path)
    known = { at: now, version, orders: known?.version === version ? known.orders : readable(path) }
    return known.orders
  }
  const write = (file: File): void => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.${randomUUID()}`
    writeFileSync(draft, JSON.stringify({ ...file, history: file.history.slice(-MOST_CHANGES) }), { mode: 0o600 })
    renameSync(draft, path)
    known = null
  }
  return {
    ordersFor: ({ task, tenant }) =>
      orders().filter(({ scope }) => scope === 'all' || scope === `task:${task}` || scope === `tenant:${tenant}`),
    list: orders,
    history: () => read(path).history,
    give(given) {
      const { orders: before, history } = read(path)
      write({ orders: [...before.filter(({ scope }) => scope !== given.scope), given], history: [...history, given] })
    },
    lift(lifted) {
      const { orders: before, history } = read(path)
      const left = before.filter(({ scope }) => scope !== lifted.scope)
      if (left.length < before.length) write({ orders: left, history: [...history, { ...lifted, mode: 'off' }] })
      return left.length < before.length
    },
  }
}

function versionOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : 'none'
}

/** Somebody wrote an order that cannot be read: until it can, nobody is asked. */
function readable(path: string): readonly KillOrder[] {
  try {
    return read(path).orders
  } catch {
    const why = `${path} cannot be read`
    return [{ scope: 'all', mode: 'stop', why, by: 'spillway', at: new Date().toISOString() }]
  }
}

function read(path: string): File {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING
    throw error
  }
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new RouterError('kill_switch_unreadable', { path }, error)
  }
}
