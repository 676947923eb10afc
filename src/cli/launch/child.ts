/** The child of `launch`: which program, with which environment and words. Nothing is started here. */
import { existsSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { closest } from '../../spec/suggest.ts'
import { usage } from '../failure.ts'
import { aider } from './aider.ts'
import { claude } from './claude.ts'
import { type ChildSettings, CLIENT_NAMES, type Client, type ClientPlace, type Door } from './client.ts'
import { codex } from './codex.ts'
import { continueClient } from './continue.ts'
import { opencode } from './opencode.ts'

export const CLIENTS: Readonly<Record<(typeof CLIENT_NAMES)[number], Client>> = {
  claude,
  codex,
  aider,
  opencode,
  continue: continueClient,
}

export interface Child {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly set: Readonly<Record<string, string>>
  /** Variables of the parent that the child does not get. */
  readonly unset: readonly string[]
  readonly files: ChildSettings['files']
}

export interface Wanted {
  /** A client of the table, or any command. */
  readonly name: string
  readonly words: readonly string[]
}

/** @throws RouterError usage: there is no such program */
export function childOf({ name, words }: Wanted, door: Door, place: ClientPlace): Child {
  const client = clientNamed(name)
  const program = (client?.programs ?? [name]).map((one) => findProgram(one, place)).find((path) => path !== null)
  if (!program) throw missing(name, client)
  const { set, args, files } = client ? client.settings(door, place, words) : anyCommand(door)
  const ours = { ...set, ...direct(place.env), SPILLWAY_URL: door.url, SPILLWAY_KEY: door.key, SPILLWAY_LAUNCHED: name }
  const unset = cleared(client?.clears ?? ANY_CLEARS, place.env).filter((variable) => !Object.hasOwn(ours, variable))
  return { name, program, args: [...args, ...words], set: ours, unset, files }
}

export function clientNamed(name: string): Client | null {
  return CLIENT_NAMES.some((known) => known === name) ? CLIENTS[name as keyof typeof CLIENTS] : null
}

/** The parent's environment without what is cleared, under what is set. */
export function environmentOf({ set, unset }: Child, env: ClientPlace['env']): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !unset.includes(name))), ...set }
}

/** What the SDKs of OpenAI and Anthropic read; older ones read OPENAI_API_BASE. */
function anyCommand({ url, key }: Door): ChildSettings {
  const base = `${url}/v1`
  const set = {
    OPENAI_BASE_URL: base,
    OPENAI_API_BASE: base,
    OPENAI_API_KEY: key,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
  }
  return { set, args: [], files: [] }
}

const ANY_CLEARS: Client['clears'] = [
  ...claude.clears,
  /^OPENAI_(ORG_ID|ORGANIZATION|PROJECT_ID|API_TYPE|API_VERSION)$/,
  /^AZURE_OPENAI_/,
]

function cleared(patterns: Client['clears'], env: ClientPlace['env']): readonly string[] {
  const names = Object.keys(env).filter((name) => env[name] !== undefined)
  return names
    .filter((name) => patterns.some((one) => (typeof one === 'string' ? one === name : one.test(name))))
    .sort()
}

/** Behind a proxy the gateway is still on this machine. */
function direct(env: ClientPlace['env']): Readonly<Record<string, string>> {
  const hasProxy = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].some((name) => env[name] || env[name.toLowerCase()])
  if (!hasProxy) return {}
  const known = [env.NO_PROXY, env.no_proxy].find((list) => list) ?? ''
  if (known.split(',').some((host) => host.trim() === '*')) return {}
  const list = [...new Set([...known.split(','), '127.0.0.1', 'localhost'])]
    .filter((host) => host.trim() !== '')
    .join(',')
  return { NO_PROXY: list, no_proxy: list }
}

/** @returns the path of an executable file; null when the PATH has none of that name */
export function findProgram(name: string, { env, cwd, platform }: ClientPlace): string | null {
  const endings = platform === 'win32' ? ['', ...(env.PATHEXT ?? '.EXE;.CMD;.BAT').split(';')] : ['']
  const asPath = /[/\\]/.test(name)
  const folders = asPath ? [isAbsolute(name) ? '' : cwd] : (env.PATH ?? env.Path ?? '').split(delimiter).filter(Boolean)
  const files = folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending)))
  return files.find((file) => existsSync(file) && isProgram(file, platform)) ?? null
}

const EXECUTABLE = 0o111

function isProgram(file: string, platform: NodeJS.Platform): boolean {
  const found = statSync(file)
  return found.isFile() && (platform === 'win32' || (found.mode & EXECUTABLE) !== 0)
}

function missing(name: string, client: Client | null): Error {
  if (client)
    return usage(
      `${client.title} is not installed: there is no ${client.programs.join(' or ')} on the PATH`,
      client.install,
    )
  const near = closest(name, CLIENT_NAMES)
  const fix = near
    ? `Did you mean ${near}?`
    : `Name one of ${CLIENT_NAMES.join(', ')}, or a command that is on the PATH.`
  return usage(`There is no program ${name}`, fix)
}
