/** `spillway top`: the live numbers in a shell. */
import { setTimeout as wait } from 'node:timers/promises'
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { spanMs } from './duration.ts'
import { findPolicy } from './policy-lookup.ts'
import { runningServer } from './running-server.ts'

interface TopFlags {
  readonly since: string
  readonly every?: string
  readonly policy?: string
  readonly json?: true
}

export const addTop: AddCommand = (program, context) => {
  addCommand(
    program,
    'top',
    'the live numbers in a shell: figures, stages, budgets, the latest decisions; Ctrl-C ends it',
  )
    .option('--since <span>', 'the window of the figures: 15m, 1h, 24h or a date', '1h')
    .option('--every <span>', 'look again after so long; default: 2s in a terminal, else once')
    .option('--policy <file>', 'the policy that holds stages, budgets and costs')
    .action((flags: TopFlags) => top(flags, context))
}

const USUAL_MS = 2000
const LEAST_MS = 200
/** To the upper left, and nothing below. */
const CLEAR = '\u001b[H\u001b[J'

async function top({ since, every, policy, json }: TopFlags, context: CliContext): Promise<void> {
  const { terminal, env, signal, clock } = context
  const isScreen = process.stdout.isTTY === true && !json
  const everyMs = every === undefined ? (isScreen ? USUAL_MS : null) : spanMs('--every', every, { least: LEAST_MS })
  const { stateDir } = resolvePaths(env, process.platform)
  const [{ overview }, { requests }, { topLines }] = await Promise.all([
    import('./console/overview.ts'),
    import('./console/requests.ts'),
    import('./top-text.ts'),
  ])
  for (;;) {
    // Read anew each time: whoever looks on wants to see the policy change, too.
    const reading = {
      ...{ stateDir, env, loaded: findPolicy(policy, context), nowMs: clock.epochMs() },
      reader: { tenants: null, by: 'top' },
      values: { since },
    }
    const server = await runningServer(stateDir)
    const told = {
      server: server?.url ?? null,
      overview: overview(reading),
      latest: requests({ ...reading, values: { limit: String(LATEST) } }).rows,
    }
    if (json) terminal.json(told)
    else {
      const lines = topLines(told, { columns: process.stdout.columns ?? terminal.columns, since })
      if (isScreen) terminal.write(`${CLEAR}${lines.join('\n')}\n`)
      else for (const line of lines) terminal.print(line)
    }
    if (everyMs === null || (await isOver(everyMs, signal))) return
  }
}

const LATEST = 10

/** @returns whether somebody wants it to end */
async function isOver(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await wait(ms, undefined, { signal })
    return false
  } catch {
    return true
  }
}
