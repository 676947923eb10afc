/**
 * The guides by job, run from top to bottom in a folder and a home of their own: a block after "save it as" is written to that file, a block of
 * `sh` runs, and the block of text after it is what it says. Blocks of `bash` need a server or records and are checked for their flags elsewhere.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'docs/jobs')

interface Step {
  readonly kind: 'file' | 'run' | 'says'
  /** Of a file its name, else empty. */
  readonly name: string
  readonly text: string
}

function stepsOf(page: string): readonly Step[] {
  const text = readFileSync(join(FOLDER, page), 'utf8')
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].flatMap((match): Step[] => {
    const [, language, body = ''] = match
    const name = /ave it as `([^`]+)`[^\n]*\n\n$/.exec(text.slice(0, match.index))?.[1]
    if (name) return [{ kind: 'file', name, text: body }]
    if (language === 'sh') return [{ kind: 'run', name: '', text: body }]
    return language === 'text' ? [{ kind: 'says', name: '', text: body }] : []
  })
}

/** A pattern of a line: any blanks are like any others, and `…` is whatever comes. */
function pattern(line: string): RegExp {
  const parts = line.trim().split(/(…|\s+)/)
  const escaped = parts.map((part) => {
    if (part === '…') return '.*'
    return /^\s+$/.test(part) ? '\\s+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(escaped.join(''))
}

describe.each(readdirSync(FOLDER))('the guide %s', (page) => {
  it('does what it says, command by command', () => {
    const home = mkdtempSync(join(tmpdir(), 'spillway-job-'))
    const work = join(home, 'work')
    const bin = join(home, 'bin')
    mkdirSync(work)
    mkdirSync(bin)
    writeFileSync(join(bin, 'spillway'), `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/dist/cli/main.js" "$@"\n`)
    chmodSync(join(bin, 'spillway'), 0o755)
    const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: home, OPENAI_API_KEY: 'sk-test', NO_COLOR: '1' }
    let said = ''
    try {
      const steps = stepsOf(page)
      expect(steps.filter(({ kind }) => kind === 'run').length).toBeGreaterThan(0)
      for (const { kind, name, text } of steps) {
        if (kind === 'file') writeFileSync(join(work, name), text)
        else if (kind === 'run') {
          const ran = spawnSync('bash', ['-e', '-c', text], { cwd: work, env, encoding: 'utf8' })
          said = `${ran.stdout}\n${ran.stderr}`
          expect(ran.status, `${text}${said}`).toBe(0)
        } else for (const line of text.trim().split('\n')) expect(said).toMatch(pattern(line))
      }
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  })
})
