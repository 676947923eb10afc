/**
 * Labels every log of a folder, groups equal failures, and has one report written:
 *
 *   node triage.mjs <folder with *.log> [--report report.md] [--policy spillway.yaml]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createRouter, RouterError } from 'spillway'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string' }, policy: { type: 'string' } },
})
const [folder] = positionals
if (folder === undefined) {
  console.error('usage: node triage.mjs <folder with *.log> [--report report.md] [--policy spillway.yaml]')
  process.exit(2)
}

const AT_ONCE = 4
const REPORT = 'Write a report of at most 120 words about the failed jobs of a night. Start with what to do first.'
const policy = values.policy ?? fileURLToPath(new URL('spillway.yaml', import.meta.url))
const router = createRouter({ policy })
try {
  const files = readdirSync(folder).filter((name) => name.endsWith('.log'))
  const rows = await each(files.sort(), (file) => labelled(join(folder, file)))
  const groups = grouped(rows)
  const report = await asked({ task: 'write_report', system: REPORT, text: groups.map(groupLine).join('\n') })
  const summary = {
    logs: rows.length,
    labels: counted(rows, ({ label }) => label),
    routes: counted(rows, ({ route }) => route),
    reasons: counted(rows, ({ reason }) => reason),
    groups: groups.length,
    costUsd: summed([...rows, report].map(({ costUsd }) => costUsd)),
    reportBy: report.answer === null ? null : report.model,
  }
  if (values.report) writeFileSync(values.report, reportText(summary, groups, report.answer))
  console.log(JSON.stringify(summary))
} finally {
  await router.close()
}

async function labelled(path) {
  const text = readFileSync(path, 'utf8')
  const outcome = await asked({ task: 'classify_issue', text })
  return { ...outcome, file: basename(path), label: outcome.answer ?? 'held', signature: signatureOf(text) }
}

/** What nobody may or can answer is a row like any other: the night goes on. */
async function asked({ task, system, text }) {
  try {
    const { answer, decision, costUsd } = await router.complete({
      messages: [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: text }],
      metadata: { task },
    })
    return { answer, route: decision.route, reason: decision.reason, model: decision.model, costUsd }
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    return { answer: null, route: 'none', reason: error.code, model: null, costUsd: 0 }
  }
}

/** The line that names the failure, without what differs from run to run. */
function signatureOf(text) {
  const lines = text.split('\n')
  const line = lines.find((one) => /error|fail|assert|unable/i.test(one)) ?? lines[0] ?? ''
  return line
    .replace(/(['"]).*?\1/g, '…')
    .replace(/[\w./-]+\.(ts|js|py|css)\b/g, 'FILE')
    .replace(/\d+/g, '#')
    .trim()
}

function grouped(rows) {
  const groups = Map.groupBy(rows, ({ label, signature }) => `${label}: ${signature}`)
  return [...groups].map(([name, members]) => ({ name, members })).sort((a, b) => b.members.length - a.members.length)
}

function groupLine({ name, members }) {
  return `${members.length} × ${name} (first: ${members[0].file})`
}

/** An unknown cost is not 0. */
function summed(costs) {
  return costs.includes(null) ? null : costs.reduce((sum, cost) => sum + cost, 0)
}

function counted(rows, key) {
  return Object.fromEntries([...Map.groupBy(rows, key)].map(([name, members]) => [name, members.length]))
}

function reportText({ logs, labels, routes, costUsd }, groups, written) {
  const table = groups.map(
    ({ name, members }) => `| ${members.length} | ${name.replaceAll('|', '/')} | ${members[0].file} |`,
  )
  return [
    `# ${logs} failed jobs`,
    written ?? 'Nobody could be asked for a summary.',
    `| jobs | failure | first |\n| --- | --- | --- |\n${table.join('\n')}`,
    `Labels: ${JSON.stringify(labels)}. Answered by: ${JSON.stringify(routes)}. Cost: ${costUsd === null ? 'unknown' : `${costUsd.toFixed(6)} US dollars`}.`,
  ].join('\n\n')
}

async function each(items, work) {
  const results = new Array(items.length)
  let next = 0
  const run = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
  return results
}
