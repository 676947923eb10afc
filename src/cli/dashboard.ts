/** `spillway dashboard`: the console over an audit, to look at and not to change: of a server that is gone, of a backup, of another machine. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { createLiveFeed } from '../spec/console.ts'
import { auditPaths } from '../stores/audit-log.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { findPolicy } from './policy-lookup.ts'
import { portNumber } from './port-number.ts'

interface DashboardFlags {
  readonly port: string
  readonly audit?: string
  readonly policy?: string
  readonly json?: true
}

export const addDashboard: AddCommand = (program, context) => {
  addCommand(
    program,
    'dashboard',
    'the console over an audit file, to look at only; `serve` has the one that can change things',
  )
    .option('--port <number>', '0 picks a free one', '0')
    .option('--audit <path>', 'an audit.db, or the state folder that holds one; default: of this machine')
    .option('--policy <file>', 'the policy that holds stages, budgets and costs')
    .action((flags: DashboardFlags) => dashboard(flags, context))
}

async function dashboard(flags: DashboardFlags, context: CliContext): Promise<void> {
  const port = portNumber(flags.port)
  const loaded = findPolicy(flags.policy, context)
  const { env, terminal, signal } = context
  const paths = resolvePaths(env, process.platform)
  const stateDir = flags.audit === undefined ? paths.stateDir : stateDirOf(flags.audit)
  const [{ startGateway }, { createRouter }, { openGatewayStores }, { openConsole }] = await Promise.all([
    import('../gateway/serve.ts'),
    import('../compose.ts'),
    import('../stores/gateway-stores.ts'),
    import('./console/source.ts'),
  ])
  // A key and a router of its own: nothing that opens a real gateway opens this, and nothing it holds outlives it.
  const own = mkdtempSync(join(tmpdir(), 'spillway-dashboard-'))
  const router = createRouter({ policy: loaded, env, paths: { ...paths, stateDir: own }, auditDir: own })
  const stores = openGatewayStores(own)
  const console = openConsole({
    stateDir,
    loaded: () => loaded,
    policyProblem: () => null,
    live: createLiveFeed(),
    clock: systemClock,
  })
  try {
    const gateway = await startGateway({
      ...{ router, settings: loaded.policy.gateway, stateDir: own, stores, console, isReadOnly: true },
      ...{ host: '127.0.0.1', port, log: () => undefined },
    })
    const key = readFileSync(gateway.keyFile, 'utf8').trim()
    const url = `${gateway.url}/ui`
    if (flags.json) terminal.json({ url, key, stateDir })
    else {
      terminal.print(`console at ${url}, to look at ${auditPaths(stateDir).databasePath}`)
      terminal.print(`key for this run: ${key}`)
    }
    if (!signal.aborted) await once(signal, 'abort')
    await gateway.close()
  } finally {
    await console.close()
    await router.close()
    stores.rates.close()
    stores.idempotency.close()
    stores.responses.close()
    stores.batches.close()
    rmSync(own, { recursive: true, force: true })
  }
}

/** @throws RouterError usage: there is no audit */
function stateDirOf(path: string): string {
  const given = resolve(path)
  const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() ?? false
  const folder = isFile ? dirname(dirname(given)) : given
  const { databasePath } = auditPaths(folder)
  if (existsSync(databasePath) && (!isFile || databasePath === given)) return folder
  throw usage(`there is no audit at ${path}`, 'Name an audit/audit.db, or the state folder that holds it.')
}
