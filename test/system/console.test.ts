/** The console in a real browser, over a real gateway with a real local model; only the cloud is scripted. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adversarialFile } from '../support/adversarial.ts'
import { browserPath, openBrowser, openVisitor, settled, signIn, type Visitor } from '../support/browser.ts'
import { type ConsoleRun, consoleRun } from '../support/console-run.ts'
import { seriousFindings, visitPages } from '../support/console-visit.ts'

/** In continuous integration the browser is installed, and its absence is a failure. */
const IS_HERE = browserPath() !== null || Boolean(process.env.CI)

describe.skipIf(!IS_HERE)('the console in a browser', () => {
  let run: ConsoleRun
  let browser: Browser
  let visitor: Visitor
  let page: Page
  const ids: Record<string, string> = {}
  const pages = (): readonly string[] => [
    'overview',
    'live',
    `requests/${ids.local}`,
    'review',
    'tasks',
    'models',
    'cost',
    'policy',
  ]

  beforeAll(async () => {
    ;[run, browser] = await Promise.all([consoleRun({ history: 600 }), openBrowser()])
    ids.local = await run.ask('triage', 'FAIL src/a.test.ts: expected 2 to be 3. 1 failed, 12 passed')
    ids.frontier = await run.ask('answer', 'Capital of France?')
    await run.ask('watched', 'tsc: error TS2304: Cannot find name x')
    visitor = await openVisitor(browser, { url: run.server.url })
    page = visitor.page
    await signIn(page, run.server.url, run.server.key)
  }, 120_000)
  afterAll(async () => {
    await visitor?.context.close()
    await browser?.close()
    await run?.[Symbol.asyncDispose]()
  })

  async function open(at: string): Promise<void> {
    await page.goto(`${run.server.url}/ui#/${at}`)
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await settled(page)
  }

  async function fromCli<T>(...args: readonly string[]): Promise<T> {
    const { stdout, stderr, exitCode } = await run.box.run([...args, '--json'])
    expect([stderr, exitCode]).toEqual([expect.anything(), 0])
    return JSON.parse(stdout) as T
  }

  const figure = (name: string): Promise<string> => page.locator(`[data-figure="${name}"]`).first().innerText()
  const plain = (text: string): string => text.replace(/[\s\u202f]/g, '')

  describe('every page', () => {
    it.each([
      { width: 1280, colorScheme: 'light' as const },
      { width: 390, colorScheme: 'dark' as const },
    ])(
      'can be used by everybody at $width pixels in $colorScheme, breaks no policy and asks no other host',
      async (view) => {
        const { url, key } = run.server
        const visit = await visitPages({ browser, url, key, pages: pages(), ...view })
        expect(visit.findings).toEqual([])
        expect(visit.violations).toEqual([])
        expect(visit.strangers).toEqual([])
        expect(Object.keys(visit.pages)).toEqual(pages().map((at) => at.split('/')[0]))
      },
    )

    it('is reached and left with the keyboard alone', async () => {
      await open('overview')
      const seen: string[] = []
      for (let presses = 0; presses < 14; presses++) {
        await page.keyboard.press('Tab')
        seen.push(
          String(await page.evaluate(`document.activeElement.textContent.trim() || document.activeElement.tagName`)),
        )
      }
      expect(seen.slice(0, 9)).toEqual([
        'Skip to the page',
        'Spillway',
        'Overview',
        'Live',
        'Review',
        'Tasks',
        'Models',
        'Cost',
        'Policy',
      ])
      await page.getByRole('link', { name: 'Tasks', exact: true }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
      await page.getByRole('button', { name: 'Skip to the page' }).focus()
      await page.keyboard.press('Enter')
      expect(await page.evaluate('document.activeElement.id')).toBe('main')
    })
  })

  describe('numbers', () => {
    it('of the overview are those of `metrics` and `cost summary`', async () => {
      await open('overview?since=30d')
      const { all } = await fromCli<{
        all: { requests: number; localAcceptance: { rate: number }; escalation: { rate: number } }
      }>('metrics', '--since', '30d')
      const costs = await fromCli<{ savedUsd: number }>('cost', 'summary', '--since', '30d')
      expect(plain(await figure('requests'))).toBe(String(all.requests))
      expect(await figure('localAcceptance')).toBe(`${(all.localAcceptance.rate * 100).toFixed(1)} %`)
      expect(await figure('escalation')).toBe(`${(all.escalation.rate * 100).toFixed(1)} %`)
      expect(await figure('savedUsd')).toContain(`$${Math.abs(costs.savedUsd).toFixed(2)}`)
    })

    it('of the cost page are those of `cost summary`, and of its calculator those of `cost plan`', async () => {
      await open('cost?since=30d')
      const costs = await fromCli<{ totalUsd: number; perSuccessUsd: number }>('cost', 'summary', '--since', '30d')
      expect(await figure('totalUsd')).toBe(`$${costs.totalUsd.toFixed(2)}`)
      await page.getByLabel('Fast local model').focus()
      for (let presses = 0; presses < 5; presses++) await page.keyboard.press('ArrowRight')
      await page.getByLabel('Hardware').fill('2')
      const plan = await fromCli<{ month: { hybridUsd: number; apiUsd: number } }>(
        'cost',
        'plan',
        '--mix',
        '45,35,20',
        '--quality-hardware',
        '2',
      )
      await expect.poll(() => figure('hybridUsd')).toBe(`$${plan.month.hybridUsd.toFixed(2)}`)
      expect(await figure('apiUsd')).toBe(`$${plan.month.apiUsd.toFixed(2)}`)
    })

    it('of a task are those of `metrics --task` and `rollout status`', async () => {
      await open('tasks/triage?since=30d')
      const { all } = await fromCli<{ all: { requests: number; localAcceptance: { rate: number } } }>(
        'metrics',
        '--since',
        '30d',
        '--task',
        'triage',
      )
      expect(plain(await figure('requests'))).toBe(String(all.requests))
      expect(await figure('localAcceptance')).toBe(`${(all.localAcceptance.rate * 100).toFixed(1)} %`)
      const [status] = await fromCli<readonly { evidence: { accepted: number; items: number } }[]>(
        'rollout',
        'status',
        'triage',
      )
      await page.getByText(`${status?.evidence.accepted} of ${status?.evidence.items}`).first().waitFor()
    })

    it('of the review queue are those of `review queue`', async () => {
      await open('review')
      const { items } = await fromCli<{ items: readonly unknown[] }>('review', 'queue', '--by', 'Ann')
      await page.getByText(`${items.length} decisions left`).waitFor()
    })

    it('of a request are those of `why`', async () => {
      await open(`requests/${ids.local}`)
      const record = await fromCli<{
        verdicts: readonly { gate: string; score: number | null }[]
        signals: { options: readonly { value: string; probability: number }[] }
      }>('why', ids.local ?? '')
      const [best] = record.signals.options
      await page
        .getByText(`${((best?.probability ?? 0) * 100).toFixed(1)} %`)
        .first()
        .waitFor()
      const score = record.verdicts.find(({ gate }) => gate === 'confidence')?.score
      await page
        .getByRole('cell', { name: score?.toFixed(3) ?? '' })
        .first()
        .waitFor()
    })

    it('of the models are those of `metrics`', async () => {
      await open('models?since=30d')
      const { models } = await fromCli<{ models: readonly { name: string; calls: { of: number } }[] }>(
        'metrics',
        '--since',
        '30d',
      )
      for (const { name, calls } of models) expect(plain(await figure(`calls-${name}`))).toBe(String(calls.of))
    })

    it('of the policy are those of `policy show`', async () => {
      await open('policy')
      const policy = await fromCli<{ tasks: { triage: { minConfidence: number } } }>('policy', 'show')
      await page.getByPlaceholder('a key or a value').fill('triage.minConfidence')
      await page.getByRole('cell', { name: String(policy.tasks.triage.minConfidence), exact: true }).waitFor()
    })
  })

  describe('what people do', () => {
    it('follows decisions as they come, stops for a pause and finds one among them', async () => {
      await open('live')
      await page.getByText('Following').waitFor()
      const first = await run.ask('answer', 'And of Spain?')
      await page.locator(`a[href="#/requests/${first}"]`).waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      const second = await run.ask('answer', 'And of Italy?')
      await page.getByText('1 decision came since').waitFor()
      expect(await page.locator(`a[href="#/requests/${second}"]`).count()).toBe(0)
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.locator(`a[href="#/requests/${second}"]`).waitFor()
      await page.getByPlaceholder('task, model, reason, id').fill(second)
      await page.getByText('1 decision shown').waitFor()
    })

    it('throws the kill switch with a reason, which the log of the audit keeps with the name', async () => {
      await open('overview')
      await page.getByRole('button', { name: 'local only' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      expect(await seriousFindings(page)).toEqual([])
      expect(await dialog.getByRole('button', { name: 'Give the order' }).isDisabled()).toBe(true)
      await dialog.getByRole('textbox').fill('provider incident')
      await dialog.getByRole('button', { name: 'Give the order' }).click()
      await page.getByText('provider incident').first().waitFor()
      const { orders } = await fromCli<{ orders: readonly { mode: string; by: string }[] }>('kill', 'status')
      expect(orders).toMatchObject([{ mode: 'local_only', by: 'Ann over HTTP', why: 'provider incident' }])
      await page.getByRole('button', { name: 'Lift' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('over')
      await page.getByRole('dialog').getByRole('button', { name: 'Lift the order' }).click()
      await page.getByText('No order is in force').waitFor()
      const events = await fromCli<readonly { kind: string; by: string }[]>('audit', 'events')
      expect(events.filter(({ kind }) => kind === 'kill').map(({ by }) => by)).toEqual([
        'Ann over HTTP',
        'Ann over HTTP',
      ])
    })

    it('reads kept texts with a reason only, and the log has it before the text is shown', async () => {
      await open(`requests/${ids.frontier}`)
      await page.getByRole('button', { name: 'Show the texts' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('a complaint')
      await page.getByRole('dialog').getByRole('button', { name: 'Read them' }).click()
      await page.getByText('Capital of France?').waitFor()
      const events = await fromCli<readonly { kind: string; by: string; what: object }[]>('audit', 'events')
      expect(events.findLast(({ kind }) => kind === 'content_read')).toMatchObject({
        by: 'Ann over HTTP',
        what: { requestId: ids.frontier, outcome: 'read', why: 'a complaint' },
      })
    })

    it('reviews with one key a verdict', async () => {
      await open('review')
      const before = await page.getByRole('article').getByRole('link', { name: 'All of it' }).getAttribute('href')
      await page.keyboard.press('w')
      await page.getByText('1 done').waitFor()
      const id = before?.replace('#/requests/', '') ?? ''
      const record = await fromCli<{ labels: readonly object[] }>('why', id)
      expect(record.labels.at(-1)).toMatchObject({ by: 'Ann', verdict: 'wrong', isCorrect: false })
    })

    it('rolls a task back with a reason', async () => {
      await open('tasks/triage')
      await page.getByRole('button', { name: 'Roll back' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('too many wrong')
      await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
      await page.getByText('by Ann over HTTP: too many wrong').waitFor()
      const [status] = await fromCli<readonly { stage: unknown }[]>('rollout', 'status', 'triage')
      expect(status?.stage).toEqual('shadow')
    })

    it('is told what is wrong with a policy, and what another one would change', async () => {
      await open('policy')
      const text = page.getByRole('textbox', { name: /Policy \(YAML\)/ })
      const file = await text.inputValue()
      await text.fill(file.replace('minConfidence: 0.5', 'minConfidence: 0.9'))
      await page.getByRole('button', { name: 'Check and compare' }).click()
      await page.getByText('1 value would change').waitFor()
      await text.fill(file.replace('minConfidence', 'minConfidance'))
      await page.getByRole('button', { name: 'Check and compare' }).click()
      await page.getByText('unknown key minConfidance').waitFor()
    })
  })

  describe('what is shown when there is nothing, or something is wrong', () => {
    it('is the command to run before any request', async () => {
      await open('overview?since=2026-11-01')
      await open('requests/nobody')
      await page.getByText('There is no request nobody').waitFor()
      await page.getByRole('button', { name: 'Try again' }).waitFor()
      await open('overview?since=soon')
      await page.getByText('neither a span nor a date').waitFor()
    })

    it('is every hostile text as a text', async () => {
      const strings = adversarialFile<readonly string[]>('naughty_strings.json') ?? FEW
      await using stranger = await openVisitor(browser, { url: run.server.url })
      const own = strings.filter((text) => typeof text === 'string').slice(0, 400)
      await stranger.page.route('**/spillway/v1/requests?*', (route) =>
        route.fulfill({ json: { rows: own.map(hostileRow), next: null } }),
      )
      await signIn(stranger.page, run.server.url, run.server.key)
      await stranger.page.goto(`${run.server.url}/ui#/live`)
      await stranger.page.locator('.decisions tbody tr').first().waitFor()
      const shown = await stranger.page.locator('.decisions tbody tr').count()
      expect(shown).toBe(Math.min(300, own.length))
      expect(stranger.violations).toEqual([])
      expect(stranger.strangers).toEqual([])
      expect(await stranger.page.locator('main script, main iframe, main img, main style').count()).toBe(0)
    })

    it('is the sign-in once the session has ended', async () => {
      await open('overview')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('API key').waitFor()
      await page.getByLabel('API key').fill('spw_wrong')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText('The API key is missing, wrong or out of date').waitFor()
    })
  })
})

/** For where the collection is not at hand. */
const FEW = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', 'javascript:alert(1)', '‮', '𝕳']

function hostileRow(text: string, at: number) {
  return {
    requestId: `${at} ${text}`,
    receivedAt: new Date(Date.UTC(2026, 0, 1) + at).toISOString(),
    task: text,
    tenant: text,
    origin: 'local',
    route: 'local',
    reason: text,
    outcome: 'accepted',
    model: text,
    degraded: true,
    proven: false,
    latencyMs: 1,
    costUsd: null,
  }
}
