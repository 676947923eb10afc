/** The options that describe a request, shared by the commands that take one, and the request they make. */
import { readFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { PARTITIONS, type Partition } from '../spec/decision.ts'
import type { DecideRequest, RequestMetadata, RouteOverride, RouterRequest, ToolDefinition } from '../spec/request.ts'
import { usage } from './failure.ts'

export interface RequestFlags {
  readonly prompt?: string
  readonly file?: string
  readonly task?: string
  readonly action?: string
  readonly labels?: string
  readonly document?: string
  readonly compare?: string
  readonly items?: string
  readonly tools?: string
  readonly entities?: true
  readonly schema?: string
  readonly route?: RouteOverride
  readonly partition?: Partition
  readonly impact?: 'low' | 'medium' | 'high'
  readonly policy?: string
}

/** Adds the options of a request to a command whose argument is `[prompt...]`. */
export function addRequestOptions(command: Command): Command {
  return command
    .option('--prompt <text>', 'the prompt, instead of the argument')
    .option('--file <path>', 'a text file that follows the prompt; its path counts as a document')
    .option('--task <name>', 'a task of the policy, or an action of its action table')
    .option('--action <name>', 'the same as --task')
    .option('--labels <a,b,c>', 'decide between these labels instead of writing an answer')
    .option('--document <path>', 'a text file: answer with its words, with their place in it, or not at all')
    .option('--compare <text>', 'how alike the prompt and this text are')
    .option('--items <path>', 'a text file with one item a line: order them by how well they answer the prompt')
    .option('--tools <path>', 'a JSON file with a list of tools: choose the one the prompt asks for')
    .option('--entities', 'the names in the prompt')
    .option('--schema <path>', 'a JSON Schema file that the answer must satisfy')
    .addOption(
      new Option('--route <route>', 'who should answer, inside what the policy allows').choices([
        'local',
        'frontier',
        'auto',
      ]),
    )
    .addOption(new Option('--partition <partition>', 'tighten where the text may go').choices([...PARTITIONS]))
    .addOption(
      new Option('--impact <impact>', 'what a wrong answer costs; high asks a frontier').choices([
        'low',
        'medium',
        'high',
      ]),
    )
    .option('--policy <file>', 'the policy file to use')
}

/** @throws RouterError usage, when there is no prompt or a file cannot be read */
export async function requestFromFlags(words: readonly string[], flags: RequestFlags): Promise<RouterRequest> {
  const metadata = metadataFromFlags(flags)
  return {
    messages: [{ role: 'user', content: await promptText(words, flags) }],
    metadata,
    ...(flags.route && flags.route !== 'auto' ? { override: flags.route } : {}),
    ...(flags.schema ? { responseSchema: readSchema(flags.schema) } : {}),
  }
}

/** @returns at least two trimmed labels, or null when the flag is not given */
export function labelsFromFlags(flags: RequestFlags): readonly string[] | null {
  if (flags.labels === undefined) return null
  const labels = [
    ...new Set(
      flags.labels
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
    ),
  ]
  if (labels.length >= 2) return labels
  throw usage(`--labels ${flags.labels} names fewer than two labels`, 'Write them as --labels build,test,unknown.')
}

/** What of a typed decision the flags bring, besides labels; empty when the answer is written. */
export function typedFromFlags(flags: RequestFlags): Partial<DecideRequest> {
  return {
    ...(flags.document !== undefined && { document: readText(flags.document, '--document') }),
    ...(flags.compare !== undefined && { compareTo: flags.compare }),
    ...(flags.items !== undefined && { items: linesOf(flags.items) }),
    ...(flags.tools !== undefined && { tools: toolsOf(flags.tools) }),
    ...(flags.entities && { kind: 'entities' as const }),
  }
}

function linesOf(file: string): readonly string[] {
  const lines = readText(file, '--items').split(/\r?\n/)
  const items = lines.filter((line) => line.trim() !== '')
  if (items.length === 0) throw usage(`--items ${file} holds no line`, 'Write one item in every line.')
  return items
}

const toolSchema = z.object({
  name: z.string().min(1),
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
})

/** Plain definitions, or the form of the OpenAI API. */
function toolsOf(file: string): readonly ToolDefinition[] {
  const fix = 'Write a JSON array of {"name", "description", "parameters"}.'
  let value: unknown
  try {
    value = JSON.parse(readText(file, '--tools'))
  } catch (error) {
    if (error instanceof SyntaxError) throw usage(`--tools ${file} is not JSON: ${error.message}`, fix)
    throw error
  }
  const list = z.array(z.union([toolSchema, z.object({ function: toolSchema }).transform((tool) => tool.function)]))
  const tools = list.min(1).safeParse(value)
  if (!tools.success) throw usage(`--tools ${file} is no list of tools`, fix)
  return tools.data as readonly ToolDefinition[]
}

function metadataFromFlags(flags: RequestFlags): RequestMetadata {
  if (flags.task && flags.action && flags.task !== flags.action) {
    throw usage(`--task ${flags.task} and --action ${flags.action} differ`, 'They mean the same; give one of them.')
  }
  const task = flags.task ?? flags.action
  return {
    ...(task ? { task } : {}),
    ...(flags.partition ? { partition: flags.partition } : {}),
    ...(flags.impact ? { impact: flags.impact } : {}),
    ...documentsOf([flags.file, flags.document]),
  }
}

function documentsOf(files: readonly (string | undefined)[]): Pick<RequestMetadata, 'documents'> {
  const documents = files.filter((file) => file !== undefined && file !== '-').map((file) => documentPath(file ?? ''))
  return documents.length === 0 ? {} : { documents }
}

/** As the globs of `privacy.localOnly.paths` see it: relative to the folder the command runs in, with forward slashes. */
function documentPath(file: string): string {
  return relative(process.cwd(), resolve(file)).split(sep).join('/')
}

async function promptText(words: readonly string[], flags: RequestFlags): Promise<string> {
  const text = await writtenText(words, flags)
  if (text === '') throw usage('The prompt is empty', 'Give it as the argument, with --file, or through a pipe.')
  return text
}

/** The words of the command line, a file, a pipe, or several of them; empty when there is none. */
export async function writtenText(
  words: readonly string[],
  flags: Pick<RequestFlags, 'prompt' | 'file'>,
): Promise<string> {
  const written = flags.prompt === undefined ? words : [flags.prompt, ...words]
  const pieces = written.filter((word) => word !== '-').join(' ')
  const file = flags.file && flags.file !== '-' ? readText(flags.file, '--file') : ''
  const fromPipe =
    written.includes('-') || flags.file === '-' || (written.length === 0 && !flags.file && !process.stdin.isTTY)
  const piped = fromPipe ? await readStdin() : ''
  return [pieces, file, piped].filter((part) => part.trim() !== '').join('\n\n')
}

async function readStdin(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const piece of process.stdin) text += piece
  return text
}

function readSchema(file: string): Readonly<Record<string, unknown>> {
  const text = readText(file, '--schema')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    throw usage(
      `--schema ${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      'Mend the file.',
    )
  }
  throw usage(`--schema ${file} is not a JSON object`, 'A JSON Schema is an object such as {"type":"object"}.')
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw usage(`${flag} ${file} cannot be read (${code})`, 'Check the path and the permissions.')
  }
}
