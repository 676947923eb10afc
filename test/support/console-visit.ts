/** A visit to every page of a console, with what is wrong on it. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { openVisitor, settled, signIn } from './browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export interface Finding {
  readonly rule: string
  readonly impact: string
  readonly where: string
}

/** What keeps people out: findings of axe-core that are serious or worse. It is run beside the page's own policy, not under it. */
export async function seriousFindings(page: Page): Promise<readonly Finding[]> {
  await page.evaluate(`${AXE}; undefined`)
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    readonly violations: readonly {
      readonly id: string
      readonly impact: string
      readonly nodes: readonly { readonly html: string }[]
    }[]
  }
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => ({ rule: id, impact, where: html.slice(0, 160) })))
}

/** Panels whose parts stick out of them, and a page that is wider than its window. Tables may scroll within their place. */
async function tooWide(page: Page): Promise<readonly Finding[]> {
  const wide = (await page.evaluate(`[document.documentElement, ...document.querySelectorAll('.panel, .lead, .figure')]
    .filter((part) => part.scrollWidth > part.clientWidth + 1)
    .map((part) => part.outerHTML.slice(0, 160))`)) as readonly string[]
  return wide.map((where) => ({ rule: 'sticks-out', impact: 'serious', where }))
}

export interface PageReport {
  readonly axeSerious: number
  readonly cspViolations: number
  readonly firstPaintMs: number
}

export interface VisitSettings {
  readonly browser: Browser
  readonly url: string
  readonly key: string
  /** `overview`, `requests/<id>`, … */
  readonly pages: readonly string[]
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

export interface Visit {
  readonly pages: Readonly<Record<string, PageReport>>
  readonly findings: readonly (Finding & { readonly page: string })[]
  readonly violations: readonly string[]
  readonly strangers: readonly string[]
}

/** Every page is loaded anew, so that its first paint is one. */
export async function visitPages({ browser, url, key, pages, ...view }: VisitSettings): Promise<Visit> {
  await using visitor = await openVisitor(browser, { url, ...view })
  const { page, violations, strangers } = visitor
  await signIn(page, url, key)
  const reports: Record<string, PageReport> = {}
  const findings: (Finding & { readonly page: string })[] = []
  for (const at of pages) {
    const name = at.split('/')[0] ?? at
    const before = violations.length
    await page.goto('about:blank')
    await page.goto(`${url}/ui#/${at}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await settled(page)
    const firstPaintMs = Number(
      await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`),
    )
    const found = await seriousFindings(page)
    findings.push(...[...found, ...(await tooWide(page))].map((finding) => ({ ...finding, page: at })))
    reports[name] = {
      axeSerious: found.length,
      cspViolations: violations.length - before,
      firstPaintMs: Math.round(firstPaintMs),
    }
  }
  return { pages: reports, findings, violations: [...violations], strangers: [...strangers] }
}
