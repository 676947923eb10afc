/** What commands print with `--json`, compared with what docs/reference/cli-json.json says, and kept for making that file. */
import { appendFileSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { commandOf, type Documented, shapeProblems } from '../../scripts/cli/json-shapes.ts'

const FILE = resolve(import.meta.dirname, '../../docs/reference/cli-json.json')

interface Output {
  readonly exitCode: number | null
  readonly stdout: string
}

let documented: Readonly<Record<string, Documented>> | undefined

/**
 * With SPILLWAY_RECORD_JSON set, adds the output to a file in that folder instead of comparing it.
 *
 * @param args the words after the program's name
 * @throws Error when a value is not what is documented
 */
export function checkJson(args: readonly string[], output: Output): void {
  if (!args.includes('--json') || output.stdout.trim() === '') return
  const folder = process.env.SPILLWAY_RECORD_JSON
  if (folder === undefined) compare(args, output)
  else appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify({ args, ...output })}\n`)
}

function compare(args: readonly string[], { stdout }: Output): void {
  documented ??= JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<string, Documented>>
  const path = commandOf(args, Object.keys(documented))
  const shape = path === undefined ? undefined : documented[path]
  // That every command is documented is a test of its own; an example may name one that does not exist.
  if (shape === undefined) return
  const problems = stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => shapeProblems(JSON.parse(line), shape.schema))
  if (problems.length === 0) return
  throw new Error(
    `\`spillway ${path} --json\` prints what docs/reference/cli-json.json does not say: ${[...new Set(problems)].join('; ')}. Say so there, then npm run docs.`,
  )
}
