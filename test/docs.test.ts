import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { REASONS } from '../src/spec/decision.ts'
import { ERRORS } from '../src/spec/errors.ts'

const ROOT = resolve(import.meta.dirname, '..')

const pages: readonly string[] = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.startsWith('.vitepress'))
    .map((file) => join('docs', file)),
]

/** Names of headings as GitHub and the site make them from their words. */
function anchorsOf(page: string): ReadonlySet<string> {
  const words = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
  return new Set(words)
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** The codes in the first column of a table. */
function firstColumn(page: string): readonly string[] {
  return [...read(page).matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '')
}

describe('the reference', () => {
  it('is what the code says', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/reference.ts', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  it('lists every error code, and none that does not exist', () => {
    expect([...firstColumn('docs/reference/errors.md')].sort()).toEqual(Object.keys(ERRORS).sort())
  })

  it('lists every reason, and none that does not exist', () => {
    expect([...firstColumn('docs/reference/reasons.md')].sort()).toEqual([...REASONS].sort())
  })
})

describe('the pages', () => {
  it('link only to files that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .map((match) => resolve(ROOT, dirname(page), match[1] ?? ''))
        .filter((target) => !existsSync(target))
        .map((target) => `${page} -> ${relative(ROOT, target)}`),
    )
    expect(broken).toEqual([])
  })

  it('link only to headings that exist', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)]
        .map(([, file = '', anchor = '']) => ({
          target: file === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), file)),
          anchor,
        }))
        .filter(({ target, anchor }) => target.endsWith('.md') && !anchorsOf(target).has(anchor))
        .map(({ target, anchor }) => `${page} -> ${target}#${anchor}`),
    )
    expect(broken).toEqual([])
  })

  it('show only drawings that are there, each with words for who cannot see it', () => {
    const shown = pages.flatMap((page) =>
      [...read(page).matchAll(/!\[([^\]]*)\]\((?!https?:)([^)]+)\)/g)].map(([, words = '', file = '']) => ({
        page,
        words,
        file: resolve(ROOT, dirname(page), file),
      })),
    )
    expect(shown.length).toBeGreaterThan(2)
    expect(shown.filter(({ words, file }) => words.length < 20 || !existsSync(file))).toEqual([])
  })

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z][a-z:-]*)/g)].map((match) => match[1] ?? ''),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it('name only commands that exist', () => {
    const help = spawnSync(process.execPath, ['src/cli/main.ts', '--help'], { cwd: ROOT, encoding: 'utf8' }).stdout
    const known = [...help.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? '')
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npx spillway ([a-z]+)/g)].map((match) => match[1] ?? ''),
    )
    expect(known).toContain('ask')
    expect([...new Set(named)].filter((name) => !known.includes(name))).toEqual([])
  })

  it('name only files of the repository in code marks', () => {
    const wrong = pages.flatMap((page) =>
      [...read(page).matchAll(/`((?:src|test|scripts|examples|templates|docs)\/[\w./-]+)`/g)]
        .map((match) => match[1] ?? '')
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${page}: ${path}`),
    )
    expect(wrong).toEqual([])
  })
})
