/** `spillway doctor client <name>`: which setting decides where a client asks, whether that is here, and what to do. */
import { resolvePaths } from '../models/paths.ts'
import type { CliContext } from './context.ts'
import { type Check, fail, ok, warn } from './doctor-check.ts'
import { ExitCode, usage } from './failure.ts'
import { clientNamed, findProgram } from './launch/child.ts'
import { CLIENT_NAMES, type Client, type ClientPlace, type FoundSetting } from './launch/client.ts'
import { placeOf } from './launch/place.ts'
import { runningServer, statusOfKey } from './running-server.ts'

/** A setting as it is told: keys are masked. */
interface ToldSetting {
  readonly where: string
  readonly key: string
  readonly value: string
}

export interface ClientFindings {
  readonly client: string
  readonly reaches: boolean
  /** What decides where it asks; null: nothing does, and it asks its own provider. */
  readonly winner: ToldSetting | null
  /** Weaker ones about the same, the strongest first. */
  readonly overridden: readonly ToldSetting[]
  readonly checks: readonly Check[]
}

/** @throws RouterError usage: no such client; ExitCode 1: it does not reach us */
export async function doctorClient(name: string, context: CliContext): Promise<ClientFindings> {
  const client = clientNamed(name)
  if (!client) throw usage(`${name} is no client that is known`, `Name one of ${CLIENT_NAMES.join(', ')}.`)
  const place = placeOf(context)
  const { stateDir } = resolvePaths(context.env, process.platform)
  const server = await runningServer(stateDir)
  return clientFindings({ client, place, serverUrl: server?.url ?? null })
}

export function requireReach({ reaches }: ClientFindings): void {
  if (!reaches) throw new ExitCode(1)
}

interface Looked {
  readonly client: Client
  readonly place: ClientPlace
  /** Null: no gateway runs. */
  readonly serverUrl: string | null
}

export async function clientFindings({ client, place, serverUrl }: Looked): Promise<ClientFindings> {
  const found = client.found(place)
  const deciding = found.filter(({ role }) => role !== 'key')
  // One switch is enough: the base URL is not looked at then.
  const winner = deciding.find(({ role }) => role === 'switch') ?? deciding[0] ?? null
  const key = found.find(({ role }) => role === 'key') ?? null
  const reach = await reachCheck({ client, winner, key, serverUrl })
  const checks = [programCheck(client, place), winnerCheck(client, winner), keyCheck(client, key, found), reach]
  return {
    client: client.name,
    reaches: reach.state === 'ok',
    winner: winner && told(winner),
    overridden: deciding.filter((setting) => setting !== winner).map(told),
    checks: [...checks, launchCheck(client, found)],
  }
}

function programCheck(client: Client, place: ClientPlace): Check {
  const path = client.programs.map((one) => findProgram(one, place)).find((one) => one !== null)
  if (path) return ok('program', `${client.title} is ${path}.`)
  return warn('program', `There is no ${client.programs.join(' or ')} on the PATH.`, client.install)
}

function winnerCheck(client: Client, winner: FoundSetting | null): Check {
  if (!winner) return ok('setting', `Nothing says where it asks, so it asks ${client.usualAddress}.`)
  return ok('setting', `${whereOf(winner)} wins: ${winner.key} = ${winner.value}.`)
}

function keyCheck(client: Client, key: FoundSetting | null, found: readonly FoundSetting[]): Check {
  if (!key) return ok('key', 'No key is set; it uses a login of its own.')
  const names = new Set(found.filter(({ role }) => role === 'key').map((one) => one.key.replace(/^env\./, '')))
  if (client.name === 'claude' && names.has('ANTHROPIC_AUTH_TOKEN') && names.has('ANTHROPIC_API_KEY'))
    return warn(
      'key',
      'ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY are both set, and both are sent.',
      'Take out ANTHROPIC_API_KEY: two different keys are refused.',
    )
  return ok('key', `${whereOf(key)} gives ${key.key} = ${masked(key.value)}.`)
}

interface Reaching {
  readonly client: Client
  readonly winner: FoundSetting | null
  readonly key: FoundSetting | null
  readonly serverUrl: string | null
}

async function reachCheck({ client, winner, key, serverUrl }: Reaching): Promise<Check> {
  const start = `Start it with \`spillway launch ${client.name}\``
  if (winner?.managed)
    return fail(
      'reaches us',
      `${whereOf(winner)} is an administrator's, and wins over everything.`,
      'Ask whoever manages this machine to change it.',
    )
  if (!winner || winner.role === 'switch') {
    const why = winner ? `${winner.key} sends it to ${winner.value}` : `it asks ${client.usualAddress}`
    return fail('reaches us', `No: ${why}.`, `${start}${winner ? `, or take out ${placeText(winner)}` : ''}.`)
  }
  if (serverUrl === null)
    return fail('reaches us', 'No gateway runs here.', `${start}, which runs one, or run \`spillway serve\`.`)
  const wanted = client.dialect === 'openai' ? `${serverUrl}/v1` : serverUrl
  if (!isSameServer(winner.value, serverUrl))
    return fail(
      'reaches us',
      `No: ${winner.value} is not the gateway, which is ${serverUrl}.`,
      `${start}, or set ${placeText(winner)} to ${wanted}.`,
    )
  if (new URL(winner.value).pathname.replace(/\/+$/, '') !== new URL(wanted).pathname.replace(/\/+$/, ''))
    return fail(
      'reaches us',
      `It asks the gateway under a path that is not there: ${winner.value}.`,
      `Set ${placeText(winner)} to ${wanted}.`,
    )
  return keyOpens(serverUrl, key)
}

async function keyOpens(serverUrl: string, key: FoundSetting | null): Promise<Check> {
  if (!key || key.key === 'apiKeyHelper' || /^[{$]/.test(key.value))
    return ok('reaches us', `Yes: ${serverUrl}. Its key is not known here, so it was not tried.`)
  const status = await statusOfKey(serverUrl, key.value)
  if (status === null) return fail('reaches us', `${serverUrl} does not answer.`, 'Run `spillway doctor`.')
  if (status < 400) return ok('reaches us', `Yes: ${serverUrl} answers to its key.`)
  return fail(
    'reaches us',
    `${serverUrl} answers, and refuses the key of ${placeText(key)} (HTTP ${status}).`,
    'Put in one of `spillway keys create`.',
  )
}

/** What `launch` sets is stronger than all but an administrator's file. */
function launchCheck(client: Client, found: readonly FoundSetting[]): Check {
  const managed = found.find((setting) => setting.managed)
  if (managed)
    return warn('launch', `${whereOf(managed)} is stronger than what launch sets.`, 'Ask whoever manages this machine.')
  return ok('launch', `\`spillway launch ${client.name}\` wins over all of these.`)
}

/** Names of this machine are one. */
function isSameServer(address: string, serverUrl: string): boolean {
  if (!URL.canParse(address)) return false
  return hostOf(address) === hostOf(serverUrl)
}

function hostOf(address: string): string {
  const { protocol, hostname, port } = new URL(address)
  const name = /^(localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(hostname) ? 'here' : hostname
  return `${protocol}//${name}:${port}`
}

function told(setting: FoundSetting): ToldSetting {
  return {
    where: whereOf(setting),
    key: setting.key,
    value: setting.role === 'key' ? masked(setting.value) : setting.value,
  }
}

function whereOf({ file, line }: FoundSetting): string {
  if (file === null) return 'the environment'
  return line === null ? file : `${file}:${line}`
}

function placeText(setting: FoundSetting): string {
  return setting.file === null ? setting.key : `${setting.key} in ${whereOf(setting)}`
}

const SHOWN = 4

function masked(key: string): string {
  return key.length > 3 * SHOWN ? `${key.slice(0, SHOWN)}…${key.slice(-SHOWN)}` : '…'
}
