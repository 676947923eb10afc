/** `llms.txt` (llmstxt.org): the pages of the documentation with a sentence each, for programs that read before they answer. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PARTS: readonly (readonly [string, string])[] = [
  ['By job', 'jobs'],
  ['Guides', 'guides'],
  ['Reference', 'reference'],
]
const LONGEST = 160

/** @param docs the folder of the documentation; links are relative to the place of the file on the site */
export function llmsText(docs: string): string {
  const parts = PARTS.map(([title, folder]) => {
    const files = readdirSync(join(docs, folder))
      .filter((file) => file.endsWith('.md'))
      .sort()
    return `## ${title}\n\n${files.map((file) => line(docs, join(folder, file))).join('\n')}\n`
  })
  const own = ['architecture.md', 'compare.md'].map((file) => line(docs, file))
  return `# Spillway

> Local-first LLM router for Node.js: every request is answered by a small local model first; the answer is kept when evidence says that it is right; the rest goes to a frontier model, privately, with a reason for each decision and the money counted. One policy file, three doors: library, gateway that speaks the OpenAI and Anthropic APIs, command line.

\`npx spillway ask "What is 15% of 80?"\` works before any model is there. \`spillway serve\` runs the gateway; the model name is \`auto\`. Every command takes \`--json\`.

${parts.join('\n')}
## How and why

${own.join('\n')}
`
}

function line(docs: string, path: string): string {
  const text = readFileSync(join(docs, path), 'utf8')
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path
  const about = firstSentence(text)
  return `- [${title}](${path.replaceAll('\\', '/')})${about === '' ? '' : `: ${about}`}`
}

/** Of the first paragraph of plain words; empty where a page begins with a list, a table or a drawing. */
function firstSentence(text: string): string {
  const prose = text
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/^```[\s\S]*?^```$/gm, '')
    .split(/\n\s*\n/)
    .find((part) => /^[A-Z`*[]/.test(part))
  const plain = (prose ?? '').replace(/\s+/g, ' ').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
  const sentence = /^(.+?[.:])(?: |$)/.exec(plain)?.[1] ?? plain
  const short = sentence.length > LONGEST ? `${sentence.slice(0, LONGEST - 2).replace(/\s\S*$/, '')} …` : sentence
  return short.replace(/:$/, '.')
}
