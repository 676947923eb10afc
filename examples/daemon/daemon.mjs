/**
 * An agent in a loop: takes lines of an inbox, asks the router, acts, and writes a row of use for each.
 *
 *   node examples/daemon/daemon.mjs <folder> [--once] [--policy file]
 *
 * In the folder: `inbox.jsonl` ({ id, action, prompt, … } a line), `approved.jsonl` ({ id } a line, written by a person), and what the daemon
 * writes: `waiting.jsonl` (asks for approval), `usage.jsonl`, `done.jsonl`, and the results of its actions.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { agentRequest, createRouter, RouterError, routeWithQualityCheck } from 'spillway'
import { ACTIONS, addLine } from './actions.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { once: { type: 'boolean' }, policy: { type: 'string' } },
})
const [folder] = positionals
if (folder === undefined || !existsSync(folder)) {
  console.error('usage: node examples/daemon/daemon.mjs <folder with inbox.jsonl> [--once] [--policy file]')
  process.exit(2)
}

const ROUND_MS = 1000
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort())

const policy = values.policy ?? fileURLToPath(new URL('spillway.yaml', import.meta.url))
const router = createRouter({ policy })
try {
  do await round()
  while (!values.once && !stopping.signal.aborted && (await pause()))
} finally {
  await router.close()
}

/** Everything in the inbox that is not done; what cannot go on now is tried again in the next round. */
async function round() {
  const done = new Set(lines('done.jsonl').map(({ id }) => id))
  const asked = new Set(lines('waiting.jsonl').map(({ id }) => id))
  const approved = new Set(lines('approved.jsonl').map(({ id }) => id))
  for (const item of lines('inbox.jsonl')) {
    if (done.has(item.id) || stopping.signal.aborted) continue
    const result = await step(item, { isApproved: approved.has(item.id), isAsked: asked.has(item.id) })
    console.log(`${item.id} ${item.action}: ${result}`)
    if (result === 'stopped by the kill switch') return
  }
}

async function step(item, { isApproved, isAsked }) {
  const act = Object.hasOwn(ACTIONS, item.action) ? ACTIONS[item.action] : null
  if (!act) return finished(item, 'unknown action')
  const question = { action: item.action, context: { affectsSystemState: item.affectsSystemState === true } }
  // Pure and free: nobody is asked. Acting is approved before money is spent on an answer that may not be used.
  const { approvalRequired } = router.route(agentRequest(item.prompt, question)).decision
  if (approvalRequired && !isApproved) {
    if (!isAsked) addLine(join(folder, 'waiting.jsonl'), { id: item.id, action: item.action, prompt: item.prompt })
    return 'waits for approval'
  }
  try {
    const answer = await routeWithQualityCheck(item.prompt, { router, ...question, signal: stopping.signal })
    addLine(join(folder, 'usage.jsonl'), usageRow(item, answer))
    if (answer.decision.reason === 'kill_switch') return 'stopped by the kill switch'
    if (answer.response === null) return `held: ${answer.decision.reason}`
    if (!answer.quality.passed) return finished(item, `not used: ${answer.quality.reasoning}`)
    act(item, answer.response, folder)
    return finished(item, `done by ${answer.decision.model.name} (${answer.decision.reason})`)
  } catch (error) {
    if (error instanceof RouterError) return `failed: ${error.message} ${error.fix}`
    throw error
  }
}

/** The keys are those of `spillway audit export --usage`. */
function usageRow({ action }, { decision, quality, stats, response }) {
  const isCostKnown = stats.every(({ costUsd }) => costUsd !== null)
  return {
    ts: new Date().toISOString(),
    action,
    tier: decision.tier,
    model: decision.model.name,
    cost: isCostKnown ? stats.reduce((sum, { costUsd }) => sum + costUsd, 0) : null,
    latencyMs: stats.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
    quality: quality.confidence,
    route: response === null ? 'held' : decision.tier === 'frontier' ? 'frontier' : decision.tier ? 'local' : 'solver',
    reason: decision.reason,
  }
}

function finished({ id }, result) {
  addLine(join(folder, 'done.jsonl'), { id, result })
  return result
}

/** Lines that somebody is still writing, or that are no JSON, are left for later. */
function lines(name) {
  const file = join(folder, name)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)]
      } catch {
        return []
      }
    })
}

async function pause() {
  await sleep(ROUND_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
  return !stopping.signal.aborted
}
