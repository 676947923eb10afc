/** `spillway service`: the gateway as a service of this user, its versions, and the way back. */
import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Paths, resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import { type AddCommand, addCommand, type CliContext, packageFile } from './context.ts'
import { ExitCode, usage } from './failure.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { runningServer } from './running-server.ts'
import { launchd } from './service/launchd.ts'
import type { ServiceManager, ServiceSpec } from './service/managed-service.ts'
import { type InstalledVersion, readRecord, removeRecord, type ServiceRecord, writeRecord } from './service/record.ts'
import { systemd } from './service/systemd.ts'
import { callTool, callTools, removeServiceFile, writeServiceFile } from './service/tools.ts'
import { installVersion, removeOthers, versionOf } from './service/versions.ts'
import { windowsTask } from './service/windows-task.ts'
import { printResult } from './terminal.ts'

interface ServiceFlags {
  readonly json?: true
}

interface InstallFlags extends ServiceFlags {
  readonly policy?: string
  readonly port?: string
  readonly print?: true
}

interface UpgradeFlags extends ServiceFlags {
  readonly from: string
}

export const addService: AddCommand = (program, context) => {
  const service = program.command('service').description('keep the gateway running: install, look, upgrade, go back')
  addCommand(
    service,
    'install',
    'run the gateway from login on, and again when it ends (systemd, launchd, Windows tasks)',
  )
    .option('--policy <file>', 'the policy file to use')
    .option('--port <number>', 'instead of gateway.port of the policy')
    .option('--print', "show the system's file and the commands, and do nothing")
    .action((flags: InstallFlags) => install(flags, context))
  addCommand(service, 'status', 'whether it runs, since which version, and where its log is').action(
    (flags: ServiceFlags) => status(flags, context),
  )
  addCommand(
    service,
    'upgrade',
    'run another version; the one before is kept, and comes back by itself if the new one does not answer',
  )
    .option('--from <package>', 'a version such as spillway@1.2.3, or a packed .tgz file', 'spillway@latest')
    .action((flags: UpgradeFlags) => upgrade(flags, context))
  addCommand(service, 'rollback', 'run the version before again').action((flags: ServiceFlags) =>
    rollback(flags, context),
  )
  addCommand(service, 'uninstall', 'stop it, and take it out of the system; nothing that it recorded goes').action(
    (flags: ServiceFlags) => uninstall(flags, context),
  )
}

interface Place {
  readonly paths: Paths
  readonly manager: ServiceManager
  readonly home: string
}

function placeOf({ env }: CliContext): Place {
  const paths = resolvePaths(env, process.platform)
  const home = env.HOME ?? env.USERPROFILE ?? homedir()
  if (process.platform === 'darwin') return { paths, home, manager: launchd(home, userInfo().uid) }
  if (process.platform === 'win32') return { paths, home, manager: windowsTask(paths.stateDir) }
  return { paths, home, manager: systemd(env.XDG_CONFIG_HOME || join(home, '.config')) }
}

async function install(flags: InstallFlags, context: CliContext): Promise<void> {
  const place = placeOf(context)
  const { paths, manager } = place
  const record: ServiceRecord = {
    current: versionOf(packageFile()),
    previous: null,
    node: process.execPath,
    args: serveArgs(flags, context),
  }
  const file = manager.file(specOf(record, place, context))
  if (flags.print) {
    const commands = manager.start.map(({ tool, args }) => [tool, ...args].join(' '))
    const lines = [
      `# ${file.path}`,
      file.text.replace(/^\uFEFF/, '').trimEnd(),
      '',
      ...commands.map((line) => `# then: ${line}`),
    ]
    return printResult(
      { json: flags.json, value: { ...file, manager: manager.name, commands }, lines },
      context.terminal,
    )
  }
  if (readRecord(paths.stateDir))
    throw usage('The service is installed already', 'See `spillway service status`, or upgrade it.')
  const { program } = record.current
  if (/[\\/]_npx[\\/]/.test(program))
    throw usage(
      'This copy lies in the cache of npx, which npm empties',
      'Install it for good: `npm install -g spillway`, then again.',
    )
  const other = await runningServer(paths.stateDir)
  if (other)
    throw new RouterError('in_use', {
      path: paths.stateDir,
      problem: `${other.url} serves already`,
      fix: 'Stop `spillway serve` first.',
    })
  writeServiceFile(file)
  try {
    await callTools(manager.start, context.env)
  } catch (error) {
    // What the system took of it before it refused goes as well; why it refused is what counts.
    await callTools(manager.stop, context.env).catch(() => undefined)
    removeServiceFile(file.path)
    throw error
  }
  writeRecord(paths.stateDir, record)
  const url = await firstAnswer(place, null, context)
  const value = {
    manager: manager.name,
    file: file.path,
    ...record.current,
    url,
    log: logFile(paths),
    envFile: envFile(paths),
  }
  const lines = [
    `installed ${file.path}`,
    url === null ? 'it does not answer yet' : `listening on ${url}/v1`,
    `log ${logFile(paths)}`,
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
  context.terminal.say(`Keys of providers go into ${envFile(paths)}, one NAME=value a line. ${manager.note}`)
  if (url === null) throw notAnswering(paths)
}

function serveArgs({ policy, port }: InstallFlags, context: CliContext): string[] {
  const found = findPolicyFile(policy, context)
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw usage(`--port ${port} is no port that a service can keep`, 'Use a number from 1 to 65535.')
  const { stateDir } = resolvePaths(context.env, process.platform)
  return [
    'serve',
    ...(found === null ? [] : ['--policy', resolve(found)]),
    ...(port === undefined ? [] : ['--port', port]),
    '--log-file',
    join(stateDir, 'service.log'),
  ]
}

/** The service finds the folders that this command found. */
const PATH_VARIABLES = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME']

function specOf({ current, node, args }: ServiceRecord, { paths, home }: Place, { env }: CliContext): ServiceSpec {
  const moved = PATH_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))
  return { node, program: current.program, args, envFile: envFile(paths), env: Object.fromEntries(moved), home }
}

function envFile({ configDir }: Paths): string {
  return join(configDir, 'service.env')
}

function logFile({ stateDir }: Paths): string {
  return join(stateDir, 'service.log')
}

async function status(flags: ServiceFlags, context: CliContext): Promise<void> {
  const place = placeOf(context)
  const { paths, manager } = place
  const record = readRecord(paths.stateDir)
  if (!record) {
    printResult(
      { json: flags.json, value: { installed: false, running: false }, lines: ['not installed'] },
      context.terminal,
    )
    context.terminal.say('Run `spillway service install`.')
    throw new ExitCode(1)
  }
  const { code } = await callTool(manager.isActive, context.env)
  const server = await runningServer(paths.stateDir)
  const running = code === 0
  const { current, previous } = record
  const { path } = manager.file(specOf(record, place, context))
  const value = {
    installed: true,
    running,
    url: server?.url ?? null,
    ...current,
    previous,
    file: path,
    log: logFile(paths),
    envFile: envFile(paths),
  }
  const lines = [
    `${running ? 'runs' : 'does not run'} under ${manager.name}, version ${current.version} (${current.program})`,
    server ? `listening on ${server.url}/v1` : 'no gateway answers',
    previous
      ? `before: version ${previous.version} (${previous.program}); \`spillway service rollback\` goes back`
      : 'no version before',
    `file ${path}${existsSync(path) ? '' : ', which is missing'}`,
    `log ${logFile(paths)}`,
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
  if (!running || !server) throw new ExitCode(1)
}

function installedOr(paths: Paths): ServiceRecord {
  const record = readRecord(paths.stateDir)
  if (record) return record
  throw usage('No service is installed', 'Run `spillway service install`.')
}

async function upgrade({ from, json }: UpgradeFlags, context: CliContext): Promise<void> {
  const place = placeOf(context)
  const { paths } = place
  const record = installedOr(paths)
  const say = (line: string): void => context.terminal.say(line)
  const { dataDir } = paths
  const current = await installVersion({
    dataDir,
    from,
    node: process.execPath,
    env: context.env,
    signal: context.signal,
    say,
  })
  const next = { ...record, current, previous: record.current, node: process.execPath }
  const url = await switchTo(next, { place, context })
  if (url === null) {
    say(`Version ${current.version} does not answer; version ${record.current.version} is started again.`)
    const back = await switchTo(record, { place, context })
    removeOthers(dataDir, [record.current, record.previous])
    throw usage(
      `Version ${current.version} did not answer`,
      `${back === null ? 'Neither does the one before: see' : 'The one before runs again. See'} ${logFile(paths)}.`,
    )
  }
  removeOthers(dataDir, [next.current, next.previous])
  told({ record: next, url, json }, context)
}

async function rollback({ json }: ServiceFlags, context: CliContext): Promise<void> {
  const place = placeOf(context)
  const record = installedOr(place.paths)
  const { current, previous } = record
  if (!previous) throw usage('There is no version before', 'Only an upgrade leaves one.')
  if (!existsSync(previous.program))
    throw usage(
      `${previous.program} is not there any more`,
      'Install that version with `spillway service upgrade --from`.',
    )
  const next = { ...record, current: previous, previous: current }
  const url = await switchTo(next, { place, context })
  told({ record: next, url, json }, context)
  if (url === null) throw notAnswering(place.paths)
}

interface Switching {
  readonly place: Place
  readonly context: CliContext
}

/** @returns where it answers; null when it does not */
async function switchTo(record: ServiceRecord, { place, context }: Switching): Promise<string | null> {
  const before = await runningServer(place.paths.stateDir)
  writeServiceFile(place.manager.file(specOf(record, place, context)))
  await callTools(place.manager.start, context.env)
  writeRecord(place.paths.stateDir, record)
  return firstAnswer(place, before?.startedAt ?? null, context)
}

interface Told {
  readonly record: { readonly current: InstalledVersion; readonly previous: InstalledVersion | null }
  readonly url: string | null
  readonly json: true | undefined
}

function told({ record: { current, previous }, url, json }: Told, { terminal }: CliContext): void {
  const lines = [
    `runs version ${current.version} (${current.program})`,
    `kept version ${previous?.version ?? 'none'} (${previous?.program ?? '-'})`,
    url === null ? 'it does not answer' : `listening on ${url}/v1`,
  ]
  printResult({ json, value: { ...current, previous, url }, lines }, terminal)
}

async function uninstall(flags: ServiceFlags, context: CliContext): Promise<void> {
  const place = placeOf(context)
  const { paths, manager } = place
  const record = installedOr(paths)
  const { path } = manager.file(specOf(record, place, context))
  await callTools(manager.stop, context.env)
  removeServiceFile(path)
  await callTools(manager.forget, context.env)
  removeRecord(paths.stateDir)
  removeOthers(paths.dataDir, [])
  printResult({ json: flags.json, value: { removed: path }, lines: [`removed ${path}`] }, context.terminal)
  context.terminal.say('Audit, keys and policy stay; `spillway uninstall` lists them.')
}

/** A gateway without a model answers within a second or two; the system may take a while to start it. */
const ANSWER_MS = 30_000
const LOOK_MS = 200

/** @param before when the server that ran until now was started, which does not count */
async function firstAnswer(
  { paths }: Place,
  before: string | null,
  { signal, clock }: CliContext,
): Promise<string | null> {
  const until = clock.monotonicMs() + ANSWER_MS
  while (clock.monotonicMs() < until && !signal.aborted) {
    const server = await runningServer(paths.stateDir)
    if (server && server.startedAt !== before) return server.url
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
  return null
}

function notAnswering(paths: Paths): RouterError {
  return usage(
    'The service was started and does not answer',
    `See ${logFile(paths)}, and try \`spillway serve\` to see why.`,
  )
}
