/** How the processes of `serve --workers` talk with the one that started them. */

/** Set for a process that was started as a worker, and for nobody that it starts. */
const WORKER_VARIABLE = 'SPILLWAY_WORKER'

/** What a worker is told. */
export type WorkerOrder = 'stop' | 'hand_over'

/** What a worker says when it takes connections. */
export interface WorkerReady {
  readonly type: 'ready'
  readonly url: string
  readonly keyFile: string
}

export const WORKER_ENV: Readonly<Record<string, string>> = { [WORKER_VARIABLE]: '1' }

let isOne: boolean | null = null

/** Whether this process is a worker; the first call takes the sign out of the environment. */
export function isWorker(): boolean {
  isOne ??= process.send !== undefined && process.env[WORKER_VARIABLE] !== undefined
  if (isOne) delete process.env[WORKER_VARIABLE]
  return isOne
}

/**
 * A terminal sends Ctrl-C to all processes at once; a worker leaves it to the one that started it and waits for its order.
 *
 * @param ordered called with each order
 */
export function listenForOrders(ordered: (order: WorkerOrder) => void): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
  process.on('message', (order) => {
    if (order === 'stop' || order === 'hand_over') ordered(order)
  })
}

/** Tells the one that started this process. */
export function tellReady(ready: Omit<WorkerReady, 'type'>): void {
  process.send?.({ type: 'ready', ...ready } satisfies WorkerReady)
}
