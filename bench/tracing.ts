/**
 * `npm run bench:tracing -- [--blocks N]`: what a request of the router costs in CPU time (microseconds) without a provider of
 * OpenTelemetry, with one that samples nothing, and with one that samples everything and sends nothing. Blocks of 200 requests take turns;
 * two routers without a provider show how far two equal ones lie apart. The model is scripted and answers at once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  NoopSpanProcessor,
  type Sampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { createRouter } from '../src/compose.ts'
import type { PolicyInput } from '../src/spec/policy.ts'
import type { Router } from '../src/spec/router.ts'
import { scriptedModel } from '../src/testing.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, blocks: { type: 'string', default: '25' } } })

const PER_BLOCK = 200
const POLICY: PolicyInput = {
  models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } },
  tasks: { direct: { pattern: 'direct', local: false } },
  defaults: { task: 'direct' },
}

const folders: string[] = []

function open(): Router {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-tracing-'))
  folders.push(folder)
  return createRouter({
    policy: POLICY,
    env: { KEY: 'k' },
    paths: { configDir: folder, dataDir: folder, cacheDir: folder, stateDir: folder },
    models: { big: scriptedModel({ name: 'big', answers: () => 'Yes.' }) },
  })
}

function openUnder(sampler: Sampler): Router {
  trace.disable()
  trace.setGlobalTracerProvider(new TracerProvider({ sampler, spanProcessors: [new NoopSpanProcessor()] }))
  return open()
}

async function blockMicros(router: Router): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < PER_BLOCK; at++)
    await router.complete({ messages: [{ role: 'user', content: `Is the number ${at} even?` }] })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / PER_BLOCK
}

const off = open()
const offAgain = open()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const routers = {
  off,
  offAgain,
  unsampled: openUnder(new AlwaysOffSampler()),
  sampled: openUnder(new AlwaysOnSampler()),
}
type Name = keyof typeof routers
const names = Object.keys(routers) as Name[]
const blocks: Record<Name, number[]> = { off: [], offAgain: [], unsampled: [], sampled: [] }
for (const name of names) for (let at = 0; at < 3; at++) await blockMicros(routers[name])
for (let at = 0; at < Number(values.blocks); at++)
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(turn + at) % names.length] as Name
    blocks[name].push(await blockMicros(routers[name]))
  }
for (const name of names) await routers[name].close()
for (const folder of folders) rmSync(folder, { recursive: true, force: true })

const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN
const cpuMicros = Object.fromEntries(names.map((name) => [name, Math.round(median(blocks[name]))]))
const overOff = Object.fromEntries(
  names.map((name) => [name, Number(median(blocks[name].map((one, at) => one / (blocks.off[at] ?? one))).toFixed(3))]),
)
process.stdout.write(
  `${JSON.stringify({ requests: Number(values.blocks) * PER_BLOCK, cpuMicros, overOff }, null, 2)}\n`,
)
