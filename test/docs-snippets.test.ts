/** Every code block of the pages: commands that the program takes, policies that the schema takes, JSON and programs that parse. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { parseSync } from 'rolldown/utils'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { buildProgram } from '../src/cli/program.ts'
import { terminal } from '../src/cli/terminal.ts'
import { systemClock } from '../src/pipeline/clock.ts'
import { policySchema } from '../src/spec/policy.ts'

const ROOT = resolve(import.meta.dirname, '..')

interface Block {
  /** `page:line`, for the message of a failure. */
  readonly at: string
  readonly language: string
  readonly text: string
}

const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('.vitepress') && !file.includes('node_modules'))
    .map((file) => join('docs', file)),
]
const blocks = pages.flatMap(blocksOf)
const of = (...languages: readonly string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language))

function blocksOf(page: string): readonly Block[] {
  const found: Block[] = []
  let open: {
    readonly line: number
    readonly language: string
    readonly lines: string[]
    readonly indent: string
  } | null = null
  for (const [index, line] of readFileSync(join(ROOT, page), 'utf8').split('\n').entries()) {
    const fence = /^(\s*)```(\S*)/.exec(line)
    if (fence && open === null) open = { line: index + 1, language: fence[2] ?? '', lines: [], indent: fence[1] ?? '' }
    else if (fence && open) {
      found.push({ at: `${page}:${open.line}`, language: open.language, text: open.lines.join('\n') })
      open = null
    } else open?.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line)
  }
  return found
}

/** Command lines of a block: continued lines are one, comments and what a shell does around the program are left out. */
function commandLines({ text }: Block): readonly (readonly string[])[] {
  return text
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .flatMap(
      (line) =>
        /(?:^|[|&;]\s*|\$\()\s*(?:[A-Z_]+=\S+ )*(?:npx )?spillway ([^|;&>)]*)/.exec(withoutComment(line))?.[1] ?? [],
    )
    .map((line) => [...line.replace(/ < .*/, '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)])
    .map((words) => words.map(([, double, single, plain]) => double ?? single ?? plain ?? ''))
}

function withoutComment(line: string): string {
  return line.replace(/(^|\s)#.*$/, '')
}

/** The whole program, whose commands do nothing. */
async function idleProgram(): Promise<Command> {
  const context = { terminal, env: {}, clock: systemClock, signal: new AbortController().signal }
  const program = await buildProgram(context, [])
  const withoutAction = (command: Command): void => {
    // Groups that do nothing by themselves show their help; others (\`doctor\`, \`mcp\`) are commands as well.
    const acts = '_actionHandler' in command && command._actionHandler !== null
    if (acts || command.registeredArguments.length > 0) command.action(() => undefined)
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    for (const child of command.commands) withoutAction(child)
  }
  withoutAction(program)
  return program
}

/** @returns why the program does not take these words; null when it does */
async function refusal(program: Command, words: readonly string[]): Promise<string | null> {
  try {
    await program.parseAsync([...words], { from: 'user' })
    return null
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code === 'commander.helpDisplayed' || code === 'commander.help' ? null : message
  }
}

describe('code blocks of the pages', () => {
  it('are found', () => {
    expect(blocks.length).toBeGreaterThan(100)
  })

  it('hold only commands and flags that exist', async () => {
    const wrong: string[] = []
    let seen = 0
    const program = await idleProgram()
    for (const block of of('sh', 'bash'))
      for (const words of commandLines(block)) {
        seen += 1
        const problem = await refusal(program, words)
        if (problem !== null) wrong.push(`${block.at}: spillway ${words.join(' ')}: ${problem}`)
      }
    expect(wrong).toEqual([])
    expect(seen).toBeGreaterThan(100)
  })

  it('hold only keys and values of a policy that the schema takes', () => {
    const wrong = of('yaml').flatMap(({ at, text }) => {
      const value = parseYaml(text) as unknown
      const isPolicy =
        value !== null &&
        typeof value === 'object' &&
        Object.keys(value).every((key) => key in policySchema.shape) &&
        // The settings of an editor have a list of models, too.
        !('models' in value && Array.isArray(value.models))
      const result = isPolicy ? policySchema.safeParse(value) : null
      return result === null || result.success
        ? []
        : [`${at}: ${result.error.issues.map((one) => `${one.path.join('.')} ${one.message}`).join('; ')}`]
    })
    expect(wrong).toEqual([])
    expect(of('yaml').length).toBeGreaterThan(30)
  })

  it('hold JSON that is JSON', () => {
    const wrong = of('json', 'jsonl').filter(({ text }) => {
      try {
        JSON.parse(text)
        return false
      } catch {
        return text.split('\n').some((line) => {
          try {
            return line.trim() !== '' && JSON.parse(line) === undefined
          } catch {
            return true
          }
        })
      }
    })
    expect(wrong.map(({ at }) => at)).toEqual([])
  })

  it('hold programs that parse, and import only what the package exports', async () => {
    const entries = new Map<string, Record<string, unknown>>([
      ['spillway', await import('../src/index.ts')],
      ['spillway/gateway', await import('../src/gateway/serve.ts')],
      ['spillway/eval', await import('../src/eval/index.ts')],
      ['spillway/testing', await import('../src/testing.ts')],
      ['spillway/ai-sdk', await import('../src/ai-sdk.ts')],
      ['spillway/plugin', await import('../src/plugin.ts')],
    ])
    const wrong = of('ts', 'js', 'typescript', 'javascript', 'mjs').flatMap(({ at, text }) => {
      const { program, errors } = parseSync('block.ts', text, {
        lang: at.startsWith('docs/reference/api.md') ? 'dts' : 'ts',
      })
      if (errors.length > 0) return [`${at}: ${errors[0]?.message}`]
      return program.body.flatMap((statement) => {
        if (statement.type !== 'ImportDeclaration' || statement.importKind === 'type') return []
        const entry = entries.get(statement.source.value)
        if (entry === undefined)
          return statement.source.value.startsWith('spillway') ? [`${at}: ${statement.source.value}`] : []
        return statement.specifiers.flatMap((one) =>
          one.type === 'ImportSpecifier' &&
          one.importKind !== 'type' &&
          'name' in one.imported &&
          !(one.imported.name in entry)
            ? [`${at}: ${one.imported.name}`]
            : [],
        )
      })
    })
    expect(wrong).toEqual([])
  })
})
