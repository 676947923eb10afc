/** Calls the tool of the system that runs services. */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { usage } from '../failure.ts'
import type { ServiceFile, ToolCall } from './managed-service.ts'

export type ToolEnvironment = Readonly<Record<string, string | undefined>>

/** @throws RouterError usage: the tool is not there, or refused */
export async function callTools(calls: readonly ToolCall[], env: ToolEnvironment): Promise<void> {
  for (const call of calls) {
    const { code, said } = await callTool(call, env)
    if (code === 0 || (call.mayFail && code !== null)) continue
    const words = `${call.tool} ${call.args.join(' ')}`
    if (code === null)
      throw usage(
        `${call.tool} is not on this machine, so no service can be run`,
        `${PRINT} Start \`spillway serve\` by what you have instead.`,
      )
    throw usage(
      `${words} ended with ${code}${said === '' ? '' : `: ${said.replace(/\.$/, '')}`}`,
      `${PRINT} Without a session of its own (containers, sudo) this system runs no services of a user.`,
    )
  }
}

const PRINT = '`spillway service install --print` shows the file.'

export interface ToolResult {
  /** Null: there is no such tool. */
  readonly code: number | null
  readonly said: string
}

const LAST_CHARS = 300

export function callTool({ tool, args }: ToolCall, env: ToolEnvironment): Promise<ToolResult> {
  return new Promise((done) => {
    const child = spawn(tool, [...args], { env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LAST_CHARS)
    })
    child.once('error', () => done({ code: null, said: '' }))
    child.once('close', (code) => done({ code: code ?? 1, said: said.trim().replace(/\s+/g, ' ') }))
  })
}

export function writeServiceFile({ path, text, encoding }: ServiceFile): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { encoding, mode: 0o600 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw usage(`${path} cannot be written (${code})`, 'Make the folder writable.')
  }
}

export function removeServiceFile(path: string): void {
  rmSync(path, { force: true })
}
