/** A program of somebody else: an empty folder with the packed package in it, and what such a program does with it. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { openAiText } from '../../test/support/cloud-answers.ts'
import type { ScriptedCloud } from '../../test/support/scripted-cloud.ts'
import { mustRun, type Ran, runProgram } from './run.ts'

/** The imports of every entry, a routed question, and a failure of the library, with the same words on every version. */
const PROGRAM = `import { createRequire } from 'node:module'
import { createRouter, RouterError } from 'spillway'
import { startGateway } from 'spillway/gateway'
import { summaryOf } from 'spillway/eval'
import { scriptedModel } from 'spillway/testing'
import schema from 'spillway/schema.json' with { type: 'json' }

const policy = {
  models: { small: { provider: 'embedded', model: 'm', tier: 'local_fast' } },
  tasks: { color: { kind: 'choice', labels: ['red', 'blue'], local: 'small', accept: { uncalibrated: true } } },
}
const models = { small: scriptedModel({ name: 'small', decisions: [{ probabilities: { red: 0.9, blue: 0.1 } }] }) }
const router = createRouter({ policy, models })
const outcome = await router.complete({ messages: [{ role: 'user', content: 'roses' }], metadata: { task: 'color' } })
const failed = await router.complete({ messages: [] }).catch((error) => error instanceof RouterError && error.code)
const required = createRequire(import.meta.url)('spillway')
console.log(JSON.stringify({
  answer: outcome.answer,
  route: outcome.decision.route,
  rows: router.audit({ task: 'color' }).length,
  failed,
  entries: [typeof startGateway, typeof summaryOf, typeof schema.properties, typeof required.createRouter],
}))
await router.close()
`
const SAYS = {
  answer: 'red',
  route: 'local',
  rows: 1,
  failed: 'request_invalid',
  entries: ['function', 'function', 'object', 'function'],
}

/** The same in TypeScript, strict, with declarations of libraries checked too. */
const TYPED_PROGRAM = `import { createRouter, type Outcome, type PolicyInput, REASONS, type RouterSettings } from 'spillway'
import { type EvalReport, reportOf } from 'spillway/eval'
import { type Gateway, startGateway } from 'spillway/gateway'
import { type ScriptedModel, scriptedModel } from 'spillway/testing'

const policy: PolicyInput = {
  models: { small: { provider: 'embedded', model: 'm', tier: 'local_fast' } },
  tasks: { color: { kind: 'choice', labels: ['red', 'blue'], local: 'small' } },
}
const small: ScriptedModel = scriptedModel({ name: 'small', answers: ['red'] })
const settings: RouterSettings = { policy, models: { small } }
export async function ask(text: string): Promise<string> {
  const outcome: Outcome = await createRouter(settings).complete({ messages: [{ role: 'user', content: text }] })
  return outcome.answer ?? ''
}
// @ts-expect-error A provider that does not exist is refused by the types.
export const wrong: PolicyInput = { models: { small: { provider: 'nobody', model: 'm', tier: 'local_fast' } } }
export const known: readonly string[] = REASONS
export const parts: readonly [typeof startGateway, typeof reportOf] = [startGateway, reportOf]
export type Parts = readonly [Gateway, EvalReport]
`
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2024',
    module: 'NodeNext',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  },
  files: ['typed.ts'],
}

const CLOUD_ANSWER = 'An answer from far away.'

/** Installs the packed package with nothing but what it names itself; no script of any package runs. */
export async function installPacked(folder: string, tarball: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n')
  await mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', tarball], folder)
  writeFileSync(join(folder, 'app.mjs'), PROGRAM)
}

/** @returns what is wrong with the types for a program in TypeScript; nothing when it compiles */
export async function typeProblems(
  folder: string,
  tools: { readonly node: string; readonly tsc: string; readonly nodeTypes: string },
): Promise<readonly string[]> {
  writeFileSync(join(folder, 'typed.ts'), TYPED_PROGRAM)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  const types = `@types/node@${tools.nodeTypes}`
  await mustRun('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', types], folder)
  const { status, stdout, stderr } = await runProgram(tools.node, [tools.tsc, '-p', '.'], { cwd: folder })
  return status === 0 ? [] : [`types: ${(stdout || stderr).trim().slice(0, 1500)}`]
}

/** @returns what does not work with one version of Node; nothing when all does */
export async function programProblems(
  folder: string,
  nodeBin: string,
  cloud: ScriptedCloud,
): Promise<readonly string[]> {
  const env = environment(folder, nodeBin)
  const run = (command: string, ...args: readonly string[]): Promise<Ran> =>
    runProgram(command, args, { cwd: folder, env })
  writePolicy(folder, cloud)
  cloud.enqueue(openAiText(CLOUD_ANSWER))
  const npx = ['--no-install', 'spillway', 'ask', '--json']
  const solved = await run('npx', ...npx, 'What is 2 + 2?')
  const far = await run('npx', ...npx, '--policy', 'cloud.yaml', '--task', 'letter', 'Write a letter to the king.')
  const imported = await run('node', 'app.mjs')
  return [
    ...unlike('a solver on the command line', solved, (said) => said.answer === '4'),
    ...unlike('a frontier on the command line', far, (said) => said.answer === CLOUD_ANSWER),
    ...unlike('the library', imported, (said) => JSON.stringify(said) === JSON.stringify(SAYS)),
  ]
}

/** A home of its own, no key of this machine, and the Node to be tested first on the path. */
function environment(folder: string, nodeBin: string): NodeJS.ProcessEnv {
  const home = mkdtempSync(join(folder, 'home-'))
  return {
    PATH: `${nodeBin}${delimiter}${process.env.PATH ?? ''}`,
    HOME: home,
    USERPROFILE: home,
    NO_COLOR: '1',
    npm_config_update_notifier: 'false',
    KEY_OF_THE_TEST: 'sk-test',
  }
}

function writePolicy(folder: string, cloud: ScriptedCloud): void {
  writeFileSync(
    join(folder, 'cloud.yaml'),
    `models:
  far: { provider: openai, model: gpt-scripted, tier: frontier, baseUrl: "${cloud.openAiBaseUrl}", apiKey: "\${env:KEY_OF_THE_TEST}" }
tasks:
  letter: { kind: text, stage: off, frontier: far }
`,
  )
}

function unlike(name: string, ran: Ran, fits: (said: Readonly<Record<string, unknown>>) => boolean): readonly string[] {
  if (ran.status === 0 && ran.stdout.startsWith('{') && fits(JSON.parse(ran.stdout))) return []
  return [`${name}: exit code ${ran.status}, ${(ran.stderr || ran.stdout).trim().slice(0, 400)}`]
}
