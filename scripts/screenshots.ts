/** `npm run screenshots`: every page of the console as pictures, wide and narrow, light and dark, under test/output/screenshots. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openBrowser, openVisitor, settled, signIn } from '../test/support/browser.ts'
import { consoleRun } from '../test/support/console-run.ts'

const FOLDER = resolve(import.meta.dirname, '../test/output/screenshots')
const VIEWS = [
  { name: 'wide-light', width: 1280, colorScheme: 'light' },
  { name: 'wide-dark', width: 1280, colorScheme: 'dark' },
  { name: 'narrow-light', width: 390, colorScheme: 'light' },
  { name: 'narrow-dark', width: 390, colorScheme: 'dark' },
] as const

mkdirSync(FOLDER, { recursive: true })
await using run = await consoleRun({ history: 4000 })
const requestId = await run.ask('triage', 'FAIL src/a.test.ts: expected 2 to be 3. 1 failed, 12 passed')
for (const text of ['npm ERR! 404 no such package', 'tsc: error TS2304: Cannot find name x'])
  await run.ask('triage', text)
for (const text of ['Capital of France?', '<img src=x onerror=alert(1)>']) await run.ask('answer', text)
await run.ask('watched', 'tsc: error TS2304: Cannot find name x')
await run.box.run(['calibrate', 'triage'])
const { url, key } = run.server
const browser = await openBrowser()
try {
  for (const { name, ...view } of VIEWS) {
    await using visitor = await openVisitor(browser, { url, ...view })
    const { page } = visitor
    await page.goto(`${url}/ui`)
    await page.getByLabel('API key').waitFor()
    await page.screenshot({ path: join(FOLDER, `sign-in-${name}.png`) })
    await signIn(page, url, key)
    const pages = ['overview', 'live', `requests/${requestId}`, 'review', 'tasks', 'models', 'cost', 'policy']
    for (const at of pages) {
      await page.goto(`${url}/ui#/${at}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await settled(page)
      await page.screenshot({ path: join(FOLDER, `${at.split('/')[0]}-${name}.png`), fullPage: true })
    }
  }
} finally {
  await browser.close()
}
process.stderr.write(`written to ${FOLDER}\n`)
