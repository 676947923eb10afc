/**
 * `npm run test:browser [-- --json] [--rows <count>]`: every page of the console in a real browser, wide and narrow, light and dark.
 * Exits with 1 when anything keeps people out, breaks the page's policy or asks another host, or when the files weigh too much.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { openBrowser } from '../test/support/browser.ts'
import { consoleRun } from '../test/support/console-run.ts'
import { type PageReport, visitPages } from '../test/support/console-visit.ts'

const MOST_KIB = 150
const UI = resolve(import.meta.dirname, '../dist/ui')
const VIEWS = [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
] as const

const { values } = parseArgs({ options: { json: { type: 'boolean' }, rows: { type: 'string', default: '4000' } } })
const rows = Number(values.rows)

await using run = await consoleRun({ history: rows })
const id = await run.ask('triage', 'FAIL src/a.test.ts: expected 2 to be 3. 1 failed, 12 passed')
await run.ask('answer', 'Capital of France?')
const at = ['overview', 'live', `requests/${id}`, 'review', 'tasks', 'models', 'cost', 'policy']
const browser = await openBrowser()
const { url, key } = run.server
const pages: Record<string, PageReport> = {}
const wrong: string[] = []
try {
  for (const view of VIEWS) {
    const visit = await visitPages({ browser, url, key, pages: at, ...view })
    for (const [name, report] of Object.entries(visit.pages)) pages[name] = worse(pages[name], report)
    wrong.push(...visit.findings.map(({ page, rule, where }) => `${page}: ${rule} at ${where}`), ...visit.violations)
    wrong.push(...visit.strangers.map((stranger) => `asked ${stranger}`))
  }
} finally {
  await browser.close()
}
const gzipKiB = Number((bytesOf(UI) / 1024).toFixed(1))
if (gzipKiB > MOST_KIB) wrong.push(`dist/ui has ${gzipKiB} KiB gzipped, more than ${MOST_KIB}`)
const told = { pages, rows, gzipKiB }
if (values.json) console.log(JSON.stringify(told))
else {
  for (const [name, { axeSerious, cspViolations, firstPaintMs }] of Object.entries(pages))
    console.log(`${name}: first paint ${firstPaintMs} ms, ${axeSerious} serious findings, ${cspViolations} violations`)
  console.log(`${rows} rows behind it; ${gzipKiB} KiB gzipped`)
}
for (const line of wrong) process.stderr.write(`${line}\n`)
process.exitCode = wrong.length > 0 ? 1 : 0

function worse(one: PageReport | undefined, other: PageReport): PageReport {
  if (!one) return other
  return {
    axeSerious: Math.max(one.axeSerious, other.axeSerious),
    cspViolations: Math.max(one.cspViolations, other.cspViolations),
    firstPaintMs: Math.max(one.firstPaintMs, other.firstPaintMs),
  }
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0)
}
