/** `spillway serve` as a process of its own, also under limits of the shell. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import OpenAI from 'openai'
import type { Sandbox } from '../cli/spillway.ts'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')

export interface ServeProcess {
  readonly process: ChildProcess
  readonly client: OpenAI
  readonly url: string
  readonly port: number
  readonly key: string
  /** What it has said on stderr until now. */
  said(): string
  /** Its exit code, once it has ended by itself. */
  readonly exited: Promise<number | null>
  /** Ends it by SIGTERM unless it has ended. */
  stop(): Promise<number | null>
}

export interface ServeSettings {
  /** The text of the policy file; the simulated provider's key is in CLOUD_KEY. */
  readonly policy: string
  /** Commands of the shell that starts it, for example `ulimit -n 64`. */
  readonly under?: string
  readonly env?: NodeJS.ProcessEnv
  /** Further words of the command. */
  readonly args?: readonly string[]
  /** The program of the command line; the sources when absent. */
  readonly main?: string
}

/** A policy with one frontier, and one task that sends everything to it. */
export function cloudPolicy(baseUrl: string, rest = ''): string {
  return `
models:
  cloud: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${baseUrl}", apiKey: "\${env:CLOUD_KEY}" }
defaults: { task: direct }
tasks: { direct: { pattern: direct, local: false, frontier: cloud } }
${rest}
`
}

export async function serveProcess(box: Sandbox, settings: ServeSettings): Promise<ServeProcess> {
  writeFileSync(join(box.folder, 'spillway.yaml'), settings.policy)
  const command = `${settings.under ?? 'true'}; exec "$0" "$@"`
  const words = [
    '-c',
    command,
    process.execPath,
    settings.main ?? MAIN,
    'serve',
    '--json',
    '--port',
    '0',
    ...(settings.args ?? []),
  ]
  const env = { ...box.env, CLOUD_KEY: 'simulated', ...settings.env }
  const child = spawn('sh', words, { cwd: box.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, keyFile } = JSON.parse(line) as { readonly url: string; readonly keyFile: string }
    const key = readFileSync(keyFile, 'utf8').trim()
    return {
      process: child,
      client: new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 }),
      url,
      port: Number(new URL(url).port),
      key,
      said: () => said,
      exited,
      stop() {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
        return exited
      },
    }
  }
  throw new Error(`the server ended before it was ready: ${said}`)
}

/** Every record of the sandbox, read by another process. */
export async function auditRecords(box: Sandbox): Promise<readonly AuditLine[]> {
  const { stdout } = await box.run(['audit', 'export'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditLine)
}

export interface AuditLine {
  readonly requestId: string
  readonly outcome: string
  readonly receivedAt: string
  readonly error: string | null
  readonly latencyMs: number | null
  readonly calls: readonly unknown[]
}
