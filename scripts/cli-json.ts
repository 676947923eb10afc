/**
 * `npm run docs:json -- FOLDER`: writes docs/reference/cli-json.json, what every command prints with `--json`, from what the tests of the
 * command line printed:
 *
 *   SPILLWAY_RECORD_JSON=FOLDER npm run test:system -- test/cli && npm run docs:json -- FOLDER && npm run docs
 *
 * Shapes of commands that were not run stay as they are; shapes of those that were run are made anew.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { allCommands } from './cli/commands.ts'
import { commandOf, type Documented, isMap, shapeOf } from './cli/json-shapes.ts'

const FILE = resolve(import.meta.dirname, '../docs/reference/cli-json.json')

/** A policy and its schema: docs/reference/policy.md and schema.json say what is in them. */
const PLAIN: ReadonlySet<string> = new Set(['policy show', 'policy schema'])

interface Recorded {
  readonly args: readonly string[]
  readonly stdout: string
}

const [folder] = process.argv.slice(2)
if (folder === undefined || !existsSync(folder)) throw new Error('Name the folder that SPILLWAY_RECORD_JSON named.')
const paths = (await allCommands()).map(({ path }) => path)
const recorded = readdirSync(folder).flatMap((file) =>
  readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded),
)
const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Documented>) : {}
const documented: Record<string, Documented> = {}
for (const path of paths) {
  const printed = recorded.filter(({ args }) => commandOf(args, paths) === path).map(({ stdout }) => valuesOf(stdout))
  const values = printed.flat()
  const known = before[path]
  if (PLAIN.has(path)) documented[path] = { prints: 'value', schema: { type: 'object' } }
  else if (values.length > 0)
    documented[path] = {
      prints: printed.some((lines) => lines.length > 1) ? 'lines' : 'value',
      schema: shapeOf(values, (at) => isMap(path, at)),
    }
  else if (known) documented[path] = known
  else process.stderr.write(`${path} was not run with --json and is not documented\n`)
}
const lines = Object.entries(documented).map(([path, one]) => `${JSON.stringify(path)}: ${JSON.stringify(one)}`)
writeFileSync(FILE, `{\n${lines.join(',\n')}\n}\n`)
const missing = paths.length - Object.keys(documented).length
process.stderr.write(`${recorded.length} outputs of ${paths.length} commands; ${missing} are not documented\n`)
spawnSync('git', ['diff', '--stat', '--', FILE], { stdio: 'inherit' })

/** Some commands print lines; a command that was interrupted may have printed none. */
function valuesOf(stdout: string): readonly unknown[] {
  return stdout.split('\n').flatMap((line) => {
    try {
      return line.trim() === '' ? [] : [JSON.parse(line) as unknown]
    } catch {
      return []
    }
  })
}
