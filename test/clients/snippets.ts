/** The code of the guide to clients, as a reader would paste it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const GUIDE = join(ROOT, 'docs/guides/clients.md')

export interface Snippet {
  /** The heading it stands under, with a number where there are several. */
  readonly title: string
  readonly language: 'js' | 'python'
  readonly code: string
}

export function snippetsOfGuide(): readonly Snippet[] {
  return readFileSync(GUIDE, 'utf8')
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const heading = section.split('\n', 1)[0] ?? ''
      const blocks = [...section.matchAll(/^```(js|python)\n([\s\S]*?)^```/gm)]
      return blocks.map((block, index) => ({
        title: blocks.length > 1 ? `${heading} ${index + 1}` : heading,
        language: block[1] as Snippet['language'],
        code: block[2] ?? '',
      }))
    })
}

/** @returns what it printed @throws Error with what it said when it failed */
export async function runSnippet({ language, code }: Snippet, env: NodeJS.ProcessEnv, python: string): Promise<string> {
  // Inside the repository, so that it finds the packages.
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.snippet-'))
  const file = join(folder, language === 'js' ? 'snippet.mjs' : 'snippet.py')
  writeFileSync(file, code)
  try {
    return await outputOf(language === 'js' ? process.execPath : python, file, { PATH: process.env.PATH, ...env })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function outputOf(command: string, file: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, [file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('error', fail)
    child.once('close', (code) => (code === 0 ? done(printed) : fail(new Error(said))))
  })
}
