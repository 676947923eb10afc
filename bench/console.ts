/**
 * `npm run bench:console [-- --rows 1000000 --live 20]`: the console over a large audit, as JSON. Plans of its queries, milliseconds of
 * each report, first paint of each page in a browser, and the live page under 200 decisions a second: rows it holds and its memory.
 */
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { CDPSession, Page } from 'playwright-core'
import { browserPath, openBrowser, openVisitor, signIn } from '../test/support/browser.ts'
import { type ConsoleRun, consoleRun } from '../test/support/console-run.ts'
import { growsWithRows, queryPlans } from '../test/support/query-plans.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, live: { type: 'string', default: '20' } },
})
const rows = Number(values.rows)
const liveSeconds = Number(values.live)
const PER_SECOND = 200
const LONGEST_MS = 120_000
/** A machine that cannot keep up is asked less, and the figure says how much. */
const MOST_OPEN = 50
const REPORTS = [
  '/requests',
  '/requests?task=triage',
  '/requests?reason=confidence_low',
  '/requests/history-7',
  '/overview?since=24h',
  '/review?since=24h',
  '/tasks?since=24h',
  '/costs?since=24h',
  '/costs/plan',
  '/policy',
]
const PAGES = [
  'overview',
  'live',
  'requests/history-7',
  'review?since=24h',
  'tasks?since=24h',
  'cost?since=24h',
  'policy',
]

/** The longest of thirty frames. */
const FRAME = `new Promise((done) => {
  let last = performance.now(), worst = 0, left = 30
  const next = (now) => { worst = Math.max(worst, now - last); last = now; left-- > 0 ? requestAnimationFrame(next) : done(worst) }
  requestAnimationFrame(next)
})`

const writing = performance.now()
await using run = await consoleRun({ history: rows })
const writtenMs = Math.round(performance.now() - writing)
process.stderr.write(`${rows} rows written in ${writtenMs} ms\n`)
const plans = queryPlans(run.stateDir)
const reportMs: Record<string, number | null> = {}
for (const path of REPORTS) reportMs[path] = await timeOf(path)
process.stderr.write(`${JSON.stringify(reportMs)}\n`)
const browser = browserPath() === null ? null : await inBrowser()
console.log(
  JSON.stringify({
    rows,
    writtenMs,
    growing: Object.entries(plans).filter(([, steps]) => steps.some(growsWithRows)),
    plans,
    reportMs,
    ...browser,
    machine: { cpus: availableParallelism(), load: Number((loadavg()[0] ?? 0).toFixed(1)) },
  }),
)

/** @returns null for one that took longer than anybody waits */
async function timeOf(path: string): Promise<number | null> {
  const started = performance.now()
  const response = await fetch(`${run.server.url}/spillway/v1${path}`, {
    headers: { authorization: `Bearer ${run.server.key}` },
    signal: AbortSignal.timeout(LONGEST_MS),
  }).catch(() => null)
  if (response === null) return null
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  await response.text()
  return Math.round(performance.now() - started)
}

async function inBrowser() {
  const { url, key } = run.server
  const opened = await openBrowser()
  try {
    await using visitor = await openVisitor(opened, { url })
    const { page, context } = visitor
    await signIn(page, url, key)
    const firstPaintMs: Record<string, number> = {}
    for (const at of PAGES) {
      await page.goto('about:blank')
      await page.goto(`${url}/ui#/${at}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      firstPaintMs[at] = Math.round(
        Number(await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`)),
      )
    }
    const live = liveSeconds > 0 ? await followLive(run, page, await context.newCDPSession(page)) : null
    return { firstPaintMs, live }
  } finally {
    await opened.close()
  }
}

/** Exact sums, which cost no model, as fast as asked for. */
async function followLive({ server, ask }: ConsoleRun, page: Page, devtools: CDPSession) {
  await page.goto(`${server.url}/ui#/live`)
  await page.getByText('Following').waitFor()
  const heap: number[] = []
  const asked: Promise<void>[] = []
  let open = 0
  const send = (text: string): void => {
    open += 1
    asked.push(
      ask('sum', text).then(() => {
        open -= 1
      }),
    )
  }
  let worstFrameMs = 0
  const started = performance.now()
  await devtools.send('HeapProfiler.enable')
  for (let second = 0; second < liveSeconds; second++) {
    for (let tenth = 0; tenth < 10; tenth++) {
      for (let at = 0; at < PER_SECOND / 10 && open < MOST_OPEN; at++) send(`${second} + ${tenth * 100 + at}`)
      await wait(Math.max(0, started + second * 1000 + (tenth + 1) * 100 - performance.now()))
    }
    if (second % 5 === 4 || second === liveSeconds - 1) {
      await devtools.send('HeapProfiler.collectGarbage')
      heap.push(
        Number(
          (((await devtools.send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize / 1_000_000).toFixed(1),
        ),
      )
      worstFrameMs = Math.max(worstFrameMs, Number(await page.evaluate(FRAME)))
    }
  }
  const sent = (await Promise.all(asked)).length
  const seconds = (performance.now() - started) / 1000
  const shown = await page.locator('.decisions tbody tr').count()
  return {
    sent,
    perSecond: Math.round(sent / seconds),
    rowsShown: shown,
    heapMb: heap,
    worstFrameMs: Math.round(worstFrameMs),
  }
}
