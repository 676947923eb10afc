/**
 * `npm run bench:engine -- [--json] [--quick]`: what the embedded engine costs and gains, as JSON. SmolLM2-135M Q4_1 on
 * one thread; every ratio has both sides measured in this run. `--quick` takes fewer rounds.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { decisionCost, prefixGain } from './engine/decisions.ts'
import { crashRecovery, idleCost, parallelGain } from './engine/host.ts'
import { llamaCppRatio } from './engine/llama-cpp-python.ts'
import { signalCost } from './engine/signals.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean', default: false } } })
const rounds = values.quick ? 3 : 9

const signals = await signalCost(rounds)
const prefix = await prefixGain(values.quick ? 2 : 5)
const decision = await decisionCost(values.quick ? 8 : 36)
const parallel = await parallelGain(values.quick ? 2 : 5, 48)
const crash = await crashRecovery(values.quick ? 2 : 5)
const idle = await idleCost(values.quick ? 3 : 10, processCpuMs)
const llamaCpp = await llamaCppRatio(values.quick ? 2 : 5)

const report = {
  signalsRatio: signals.level1OverOff.median,
  signalsLevel2Ratio: signals.level2OverOff.median,
  llamaCppRatio: llamaCpp.ratio?.median ?? null,
  llamaCppReason: llamaCpp.reason,
  prefixSpeedup: prefix.speedup.median,
  parallelSpeedup: parallel.median,
  decisionOverReading: decision.overReading.median,
  crashRecoveryMs: crash.median,
  idleCpuPercent: idle?.cpuPercent ?? null,
  detail: { signals, prefix, decision, parallel, crash, idle, llamaCpp },
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)

/** User and system time of a process so far. */
function processCpuMs(pid: number): number | null {
  if (process.platform !== 'linux') return null
  // After the command in brackets, fields 14 and 15 of proc(5) are at 11 and 12, in clock ticks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticks
}
