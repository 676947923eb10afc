/** The site: `npm run docs:site` builds it into docs/.vitepress/dist. What stands beside a page comes from the folders themselves. */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defineConfig } from 'vitepress'

const DOCS = resolve(import.meta.dirname, '..')

/** Decisions have their number in their title already. */
function pagesOf(folder: string): readonly { readonly text: string; readonly link: string }[] {
  return readdirSync(join(DOCS, folder))
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => ({ text: titleOf(join(DOCS, folder, file)), link: `/${folder}/${file.slice(0, -3)}` }))
}

function titleOf(file: string): string {
  return /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? file
}

/** The first page is the one to read first. */
const first = (folder: string, name: string) =>
  [...pagesOf(folder)].sort((a, b) => Number(b.link.endsWith(name)) - Number(a.link.endsWith(name)))

export default defineConfig({
  // The compiler options of the repository are newer than this bundler.
  vite: { esbuild: { tsconfigRaw: '{}' } },
  title: 'Spillway',
  description: 'Local-first LLM router: a small local model answers first, evidence decides what is kept.',
  cleanUrls: true,
  lastUpdated: false,
  markdown: {
    attrs: { disable: true },
    config(md) {
      // Angle brackets in prose are placeholders, as they are in the repository; only these words are HTML.
      const rendered = (content: string): string =>
        /^<(?:!--|\/?(?:details|summary|code|img)\b)/.test(content.trim()) ? content : md.utils.escapeHtml(content)
      md.renderer.rules.html_inline = (tokens, index) => rendered(tokens[index]?.content ?? '')
      md.renderer.rules.html_block = (tokens, index) => rendered(tokens[index]?.content ?? '')
    },
  },
  // Files of the repository beside the documentation; test/docs.test.ts looks after every link.
  ignoreDeadLinks: [/\.\.\/(?:README|ARCHITECTURE|CONTRIBUTING|SECURITY|CHANGELOG|src|test|examples|templates|bench|scripts)/, /^https?:\/\/(?:localhost|127\.)/],
  // For programs: llms.txt names the pages as they were written.
  buildEnd({ outDir, pages }) {
    for (const page of pages) cpSync(join(DOCS, page), join(outDir, page))
  },
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'By job', link: '/jobs/agent-bill' },
      { text: 'Guides', link: first('guides', 'start')[0]?.link ?? '/' },
      { text: 'Reference', link: '/reference/cli' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'Compared', link: '/compare' },
    ],
    sidebar: [
      { text: 'By job', items: [...pagesOf('jobs')] },
      { text: 'Guides', items: first('guides', 'start') },
      { text: 'Reference', items: [...pagesOf('reference')] },
      { text: 'How and why', items: [{ text: 'Architecture', link: '/architecture' }, { text: 'Compared', link: '/compare' }] },
      { text: 'Decisions', collapsed: true, items: [...pagesOf('decisions')] },
    ],
    outline: { level: [2, 3] },
  },
})
