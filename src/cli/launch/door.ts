/** The gateway that a launched program asks, and a key of its own for it. */
import { join } from 'node:path'
import { issueKey, type KeyGrant, listKeys, revokeKey } from '../../gateway/issued-keys.ts'
import { withFileLock } from '../../models/file-lock.ts'
import { resolvePaths } from '../../models/paths.ts'
import type { CliContext } from '../context.ts'
import { usage } from '../failure.ts'
import { boundedLog } from '../log-file.ts'
import { gatewayAnswers, runningServer } from '../running-server.ts'
import { whileServing } from '../serve.ts'
import type { Door } from './client.ts'

export interface DoorSettings {
  readonly client: string
  readonly policy?: string
  readonly grant: KeyGrant
}

/** How the child comes to its gateway. */
export type Origin = 'running' | 'started' | 'around'

const LOG_BOUNDS = { maxBytes: 5_242_880, keep: 2 }
/** Longer than sessions last; the key is revoked when the program ends, and this is for those that never tell. */
const KEY_LIFE_MS = 7 * 86_400_000

/**
 * Finds the gateway of this machine, or runs one for as long as `use` takes. One that another `launch` runs is not
 * taken: it ends with that program.
 *
 * @throws RouterError what starting a gateway can throw; whatever `use` throws
 */
export async function whileOpen(
  settings: DoorSettings,
  context: CliContext,
  use: (door: Door, origin: Origin) => Promise<void>,
): Promise<void> {
  const around = await doorAround(context)
  if (around) return use(around, 'around')
  const { stateDir } = resolvePaths(context.env, process.platform)
  const server = settings.policy === undefined ? await runningServer(stateDir) : null
  if (server && !server.temporary) return withKey(server.url, settings, context, (door) => use(door, 'running'))
  const log = boundedLog(join(stateDir, 'gateway.log'), LOG_BOUNDS)
  // What the gateway has to say must not stand in the middle of what the child draws.
  const isRunning = false
  const say = (line: string): void => (isRunning ? log.write(line) : context.terminal.say(line))
  const quiet = { ...context, terminal: { ...context.terminal, say } }
  const serving = { host: '127.0.0.1', port: 0, temporary: true, log: log.write } as const
  try {
    await whileServing(
      { ...serving, ...(settings.policy !== undefined && { policy: settings.policy }) },
      quiet,
      ({ url }) => withKey(url, settings, context, (door) => use(door, 'started')),
    )
  } finally {
    log.close()
  }
}

/** Inside of a launched program the provider keys are ours, so a gateway started here could ask nobody. */
async function doorAround({ env }: CliContext): Promise<Door | null> {
  const { SPILLWAY_LAUNCHED: launched, SPILLWAY_URL: url, SPILLWAY_KEY: key } = env
  if (!launched || !url || !key) return null
  if (await gatewayAnswers(url)) return { url, key }
  throw usage(
    `This runs inside of \`spillway launch ${launched}\`, whose gateway ${url} is gone`,
    'Leave that shell, or `unset SPILLWAY_LAUNCHED` and set the keys of your providers again.',
  )
}

async function withKey(
  url: string,
  { client, grant }: DoorSettings,
  context: CliContext,
  use: (door: Door) => Promise<void>,
): Promise<void> {
  const name = `${LAUNCHED} ${client} (process ${process.pid})`
  const issued = await changingKeys(context, (stateDir) => {
    for (const old of listKeys(stateDir)) if (isLeft(old.name)) revokeKey(stateDir, old.id)
    return issueKey(stateDir, { name, grant, expiresInMs: KEY_LIFE_MS })
  })
  try {
    await use({ url, key: issued.key })
  } finally {
    await changingKeys(context, (stateDir) => revokeKey(stateDir, issued.id))
  }
}

const LAUNCHED = 'launch'

/** A key whose `launch` was killed before it could revoke it. */
function isLeft(name: string): boolean {
  const pid = /^launch .+ \(process (\d+)\)$/.exec(name)?.[1]
  if (pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Also after a Ctrl-C: a key must not stay because somebody was in a hurry. */
export function changingKeys<T>(context: CliContext, change: (stateDir: string) => T): Promise<T> {
  const { stateDir } = resolvePaths(context.env, process.platform)
  const lock = { file: join(stateDir, 'keys.json.lock'), signal: new AbortController().signal }
  return withFileLock(lock, async () => change(stateDir))
}
