/** Writes docs/reference from the code: `node scripts/reference.ts` writes, `--check` only compares and exits 1. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { messagesErrorType } from '../src/gateway/anthropic-failure.ts'
import { REASONS } from '../src/spec/decision.ts'
import { ERRORS } from '../src/spec/errors.ts'
import { policySchema } from '../src/spec/policy.ts'
import { PRESETS } from '../src/spec/presets.ts'
import { REASON_TEXTS } from '../src/spec/reason-texts.ts'
import { rowsFor } from '../src/spec/translation.ts'
import { allCommands } from './cli/commands.ts'
import { manPage } from './cli/man.ts'
import { cliPage } from './cli/page.ts'
import { llmsText } from './docs-list.ts'
import { apiSurface } from './package/api-surface.ts'
import { licencesPage } from './supply/licences.ts'

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../docs/reference')
const NOTE = '<!-- Written by `npm run docs`; change the code, not this page. -->\n'

interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly anyOf?: readonly Shape[]
  readonly items?: Shape
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, error]) => [
    `\`${code}\``,
    String(error.status),
    String(error.exitCode),
    error.retryable ? 'yes' : 'no',
    error.openaiType,
    messagesErrorType(error),
    error.message,
    error.fix,
  ])
  const head = ['code', 'HTTP', 'exit', 'retryable', 'OpenAI type', 'Anthropic type', 'message', 'fix']
  return `# Errors\n\n${NOTE}\nEvery failure is one of these rows. Braces stand for values of the failure.\n\n${table(head, rows)}\n`
}

function reasonsPage(): string {
  const rows = REASONS.map((reason) => [`\`${reason}\``, REASON_TEXTS[reason]])
  return `# Reasons\n\n${NOTE}\nThe same string stands in headers, streams, the audit and the metrics.\n\n${table(['reason', 'meaning'], rows)}\n`
}

function typeOf(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum) return shape.enum.map(String).join(' | ')
  if (shape.anyOf) return shape.anyOf.map(typeOf).join(' or ')
  if (shape.type === 'array') return `list of ${shape.items ? typeOf(shape.items) : 'anything'}`
  return shape.type ?? 'anything'
}

function keys(shape: Shape, path: string): readonly (readonly string[])[] {
  const own = Object.entries(shape.properties ?? {}).flatMap(([key, child]) => {
    const at = path ? `${path}.${key}` : key
    const hasKeys = child.properties || typeof child.additionalProperties === 'object'
    const preset = child.default === undefined || hasKeys ? '' : `\`${JSON.stringify(child.default)}\``
    return [[`\`${at}\``, typeOf(child), preset, child.description ?? ''], ...keys(child, at)]
  })
  const inner = typeof shape.additionalProperties === 'object' ? keys(shape.additionalProperties, `${path}.<name>`) : []
  const options = (shape.anyOf ?? []).flatMap((option) => keys(option, path))
  return [...own, ...inner, ...options]
}

function policyPage(): string {
  const rows = keys(z.toJSONSchema(policySchema, { io: 'input' }) as Shape, '')
  return `# Policy keys\n\n${NOTE}\nUnknown keys are errors. Durations are \`500ms\`, \`30s\`, \`5m\`, \`2h\` or milliseconds.\n\n${table(['key', 'value', 'default', 'meaning'], rows)}\n`
}

function presetsPage(): string {
  const rows = Object.entries(PRESETS).map(([name, p]) => [
    `\`${name}\``,
    p.provider,
    p.baseUrl,
    p.keyVariable === null ? 'none' : `\`${p.keyVariable}\``,
    p.jurisdiction,
  ])
  return `# Provider presets\n\n${NOTE}\nUsed as \`preset: name\` in a model.\n\n${table(['preset', 'provider', 'base URL', 'key', 'jurisdiction'], rows)}\n`
}

const DIRECTIONS = [
  ['openai_chat', 'anthropic_messages', 'An OpenAI chat request for a model of provider anthropic'],
  ['anthropic_messages', 'openai_chat', 'A Messages request for a model of provider openai'],
  ['openai_chat', 'local', 'An OpenAI chat request for a local model'],
  ['anthropic_messages', 'local', 'A Messages request for a local model'],
] as const

function translationPage(): string {
  const parts = DIRECTIONS.map(([from, to, title]) => {
    const rows = rowsFor(from, to).map(({ field, carriage, how }) => [`\`${field}\``, carriage, how])
    return `## ${title}\n\n${table(['field', 'what becomes of it', 'how'], rows)}\n`
  })
  return `# Translation between dialects\n\n${NOTE}
A model that speaks the caller's dialect gets the caller's own body. For any other the request is translated. *carried*: the model is
asked the same. *warned*: it is not asked this, and the answer says so in \`x-spillway-warning\` and in \`spillway.unasked\`. *refused*: without it the
request would mean something else; a frontier of the other dialect refuses it with 400 \`request_invalid\`, a local model is taken out of the route with
\`capability_missing\`.\n\n${parts.join('\n')}`
}

/** From the built declarations: the only place where a signature stands as programs see it. */
function apiPage(): string {
  const { entries, named } = apiSurface(resolve(FOLDER, '../..'))
  const block = (texts: readonly string[]): string => `\`\`\`typescript\n${texts.join('\n\n')}\n\`\`\`\n`
  const parts = Object.entries(entries).map(
    ([entry, rows]) => `## \`${entry.replace('.', 'spillway')}\`\n\n${block(Object.values(rows))}`,
  )
  return `# API\n\n${NOTE}
What a program can name, with its signature; comments stand in the declarations that editors show. A test compares this page with the build, so no
name and no signature changes unseen: \`npm run docs\` accepts a change, and [versions.md](../guides/versions.md) says what it means for the
version.\n\n${parts.join('\n')}\n## Named by these\n\nNot exported themselves; a change of one is a change of what names it.\n\n${block(named)}`
}

function lockOf(path: string) {
  return JSON.parse(readFileSync(resolve(FOLDER, '../..', path), 'utf8'))
}

const commands = await allCommands()
const documented = JSON.parse(readFileSync(join(FOLDER, 'cli-json.json'), 'utf8'))

/** By path from docs/reference. */
const PAGES: Readonly<Record<string, string>> = {
  'api.md': apiPage(),
  'cli.md': cliPage(commands, documented, NOTE),
  '../../man/spillway.1': manPage(commands),
  'errors.md': errorsPage(),
  'reasons.md': reasonsPage(),
  'policy.md': policyPage(),
  'presets.md': presetsPage(),
  'translation.md': translationPage(),
  'licences.md': licencesPage(lockOf('package-lock.json'), lockOf('engine/package-lock.json')),
}

/** It tells what stands in the other pages, so it is made after them. */
function listOfPages(): readonly (readonly [string, string])[] {
  return [['../public/llms.txt', llmsText(join(FOLDER, '..'))]]
}

const stale = [...Object.entries(PAGES), ...listOfPages()].filter(([file, text]) => {
  try {
    return readFileSync(join(FOLDER, file), 'utf8') !== text
  } catch {
    return true
  }
})
if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${join('docs/reference', file)} is stale: run npm run docs`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  for (const [file, text] of stale) writeFileSync(join(FOLDER, file), text)
}
