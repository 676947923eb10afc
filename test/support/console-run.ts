/** A gateway with a console and traffic behind it: `spillway serve` as a process, a real local model, and a scripted cloud. */
import { randomBytes } from 'node:crypto'
import { resolvePaths } from '../../src/models/paths.ts'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from './cloud-answers.ts'
import { writeHistory } from './console-history.ts'
import { type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'
import { type ServeProcess, serveProcess } from './serve-process.ts'

export interface ConsoleRun extends AsyncDisposable {
  readonly box: Sandbox
  readonly server: ServeProcess
  readonly cloud: ScriptedCloud
  readonly stateDir: string
  /** One request to the task, over HTTP. @returns its id */
  ask(task: string, text: string, more?: Readonly<Record<string, unknown>>): Promise<string>
}

export interface ConsoleRunSettings {
  /** Records of the weeks before. */
  readonly history?: number
  /** The policy beside models and tasks. */
  readonly rest?: string
  readonly tenants?: readonly string[]
}

const DAY_MS = 86_400_000

export async function consoleRun(settings: ConsoleRunSettings = {}): Promise<ConsoleRun> {
  const box = sandbox()
  const cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('test', { model: 'gpt-4.1-nano' }))
  const { stateDir } = resolvePaths(box.env, process.platform)
  const { history = 0, rest = '', tenants = [] } = settings
  if (history > 0)
    writeHistory({ stateDir, rows: history, spanMs: 20 * DAY_MS, untilMs: Date.now() - 60_000, named: { tenants } })
  const env = { SPILLWAY_CONTENT_KEY: randomBytes(32).toString('base64') }
  const server = await serveProcess(box, { policy: policyFor(cloud.openAiBaseUrl, rest), env })
  return {
    box,
    server,
    cloud,
    stateDir,
    async ask(task, text, more = {}) {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'auto',
          messages: [{ role: 'user', content: text }],
          metadata: { task, ...more },
        }),
      })
      await response.text()
      return response.headers.get('x-request-id') ?? ''
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await cloud.close()
      await box.close()
    },
  }
}

function policyFor(baseUrl: string, rest: string): string {
  return `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast, idleUnload: 5m }
  big: { provider: openai, model: gpt-4.1-nano, tier: frontier, baseUrl: "${baseUrl}", apiKey: "\${env:CLOUD_KEY}", priceUsdPerMillion: { input: 0.1, output: 0.4 } }
tasks:
  triage:
    description: What kind of failure a log of a failed job shows.
    kind: choice
    labels: [build, test, dependency]
    local: small
    frontier: big
    minConfidence: 0.5
    stage: accept
    accept: { uncalibrated: true, maxErrorRate: 0.1 }
  answer:
    kind: answer
    local: false
    frontier: big
  sum: { kind: answer, local: false, frontier: big }
  watched:
    kind: choice
    labels: [build, test]
    local: small
    frontier: big
    stage: shadow
defaults: { task: answer }
budgets: { day: 2, month: 40, tasks: { triage: { day: 0.5 } } }
costs: { watts: 40, usdPerKwh: 0.3, hardwareUsd: 900, maintenanceUsdPerMonth: 5 }
audit: { content: replay }
review: { keep: text }
${rest}
`
}
