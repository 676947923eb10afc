/** What holds for every command of the program, whoever adds one: help, an example, `--json` and its documented shape. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'
import { allCommands, type CommandRow } from '../../scripts/cli/commands.ts'
import { commandOf, shapeOf, shapeProblems, shapeText } from '../../scripts/cli/json-shapes.ts'
import { EXAMPLES, GROUPS } from '../../src/cli/help.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { terminal } from '../../src/cli/terminal.ts'
import { systemClock } from '../../src/pipeline/clock.ts'

const ROOT = resolve(import.meta.dirname, '../..')
let rows: readonly CommandRow[] = []
beforeAll(async () => {
  rows = await allCommands()
})

const pathsOf = (wrong: readonly CommandRow[]): readonly string[] => wrong.map(({ path }) => path)

describe('every command', () => {
  it('is found by the walk, however deep it stands', () => {
    expect(pathsOf(rows)).toEqual(
      expect.arrayContaining(['ask', 'audit tail', 'rollout candidate start', 'eval export']),
    )
  })

  it('takes --json', () => {
    expect(pathsOf(rows.filter(({ options }) => !options.some(({ flags }) => flags === '--json')))).toEqual([])
  })

  it('has its printed JSON documented in docs/reference/cli-json.json, and nothing else is there', () => {
    const documented = JSON.parse(readFileSync(resolve(ROOT, 'docs/reference/cli-json.json'), 'utf8')) as object
    expect(Object.keys(documented).sort()).toEqual([...pathsOf(rows)].sort())
  })

  it('stands in a group of the help text, and every named one exists', () => {
    expect(pathsOf(rows.filter(({ group }) => group === undefined))).toEqual([])
    const known = new Set([...rows.map(({ path }) => path.split(' ')[0]), 'help'])
    expect(
      Object.values(GROUPS)
        .flat()
        .filter((name) => !known.has(name)),
    ).toEqual([])
  })

  it('has an example in src/cli/help.ts, and no example is of something else', () => {
    expect(pathsOf(rows.filter(({ examples }) => examples.length === 0))).toEqual([])
    expect(Object.keys(EXAMPLES).filter((path) => !pathsOf(rows).includes(path))).toEqual([])
  })

  it('has examples that the program takes as they stand', async () => {
    for (const { path, examples } of rows)
      for (const example of examples) {
        const words = wordsOf(example).slice(1)
        expect(commandOf(words, pathsOf(rows)), example).toBe(path)
        await expect(parsedOnly(words), example).resolves.toBe(true)
      }
  })

  it.skipIf(spawnSync('groff', ['--version']).error)('has its place in a manual page without a fault', () => {
    const page = resolve(ROOT, 'man/spillway.1')
    const { stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-P-cbu', page], { encoding: 'utf8' })
    expect(stderr).toBe('')
    // Words of a path may stand on two lines.
    const text = stdout.replace(/\s+/g, ' ')
    expect(pathsOf(rows.filter(({ path }) => !text.includes(path)))).toEqual([])
  })
})

/** As a shell splits them, as far as examples go: quotes, and what is after a redirection goes to the shell. */
function wordsOf(line: string): readonly string[] {
  const command = line.split(/ >>? | < /)[0] ?? ''
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

/** Goes through commander's checks of commands, options, choices and arguments; what the command does is left out. */
async function parsedOnly(words: readonly string[]): Promise<boolean> {
  const context = { terminal, env: {}, clock: systemClock, signal: new AbortController().signal }
  const program = await buildProgram(context, words)
  let isDone = false
  const withoutAction = (command: Command): void => {
    command.action(() => {
      isDone = true
    })
    for (const child of command.commands) withoutAction(child)
  }
  for (const child of program.commands) withoutAction(child)
  await program.parseAsync([...words], { from: 'user' })
  return isDone
}

describe('documented shapes', () => {
  const isMap = (path: string): boolean => path === '/names'
  const shape = shapeOf(
    [
      { id: 'a', count: 1, list: [{ x: 1 }], names: { 'any name': 2 } },
      { id: 'b', count: null, list: [] },
    ],
    isMap,
  )

  it('are what all printed values have in common', () => {
    expect(shapeText(shape)).toBe(
      '{\n  id: string\n  count: number | null\n  list: {\n    x: number\n  }[]\n  names?: { [name]: number }\n}',
    )
  })

  it.each([
    [{ id: 'c', count: 2, list: [], more: true }, []],
    [{ id: null, count: 2, list: null }, []],
    [{ count: 2, list: [] }, ['/id is missing']],
    [{ id: 7, count: 2, list: [{ x: 'one' }] }, ['/id is number and not string', '/list/*/x is string and not number']],
    [['id'], ['/ is array and not object']],
  ])('tell of %j what leaves them', (value, problems) => {
    expect(shapeProblems(value, shape)).toEqual(problems)
  })

  it.each([
    [['audit', 'tail', '--json'], 'audit tail'],
    [['--json', 'eval', 'x.jsonl'], 'eval'],
    [['eval', 'export'], 'eval export'],
    [['review', 'held', '--json'], 'review held list'],
    [['akk'], undefined],
  ])('are looked up for %j', (words, path) => {
    expect(commandOf(words, ['audit tail', 'eval', 'eval export', 'review held list'])).toBe(path)
  })
})
