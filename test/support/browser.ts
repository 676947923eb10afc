/** Debian's browser, and a page of it that is signed in to a console. */
import { spawnSync } from 'node:child_process'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Null where there is none. */
export function browserPath(): string | null {
  const found = ['chromium', 'chromium-browser'].map((program) => spawnSync('which', [program], { encoding: 'utf8' }))
  return found.find(({ status }) => status === 0)?.stdout.trim() ?? null
}

/** @throws Error without a browser */
export async function openBrowser(): Promise<Browser> {
  const executablePath = browserPath()
  if (executablePath === null) throw new Error('chromium is not there: apt-get install chromium')
  return chromium.launch({ executablePath, args: FLAGS })
}

export interface Visitor extends AsyncDisposable {
  readonly context: BrowserContext
  readonly page: Page
  /** What the content security policy kept from happening, and what scripts threw. */
  readonly violations: readonly string[]
  /** Requests that went to another host. */
  readonly strangers: readonly string[]
}

export interface VisitorSettings {
  readonly url: string
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** A browser without any memory, on no page yet. */
export async function openVisitor(
  browser: Browser,
  { url, width = 1280, colorScheme = 'light' }: VisitorSettings,
): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 800 : 900 },
    colorScheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  })
  const page = await context.newPage()
  const violations: string[] = []
  const strangers: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) violations.push(message.text())
  })
  page.on('pageerror', (error) => violations.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) strangers.push(request.url())
  })
  return {
    context,
    page,
    violations,
    strangers,
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

/** By the form, as people do. */
export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/ui`)
  await page.getByLabel('API key').fill(key)
  await page.getByLabel('Your name').fill('Ann')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
}

/** Nothing is being read any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.loading, [aria-busy="true"]').first().waitFor({ state: 'detached' })
}
