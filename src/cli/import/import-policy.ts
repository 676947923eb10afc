/** One file of another program as the text of a policy, with a report. Pure but for the check of the result. */
import { parseDocument, stringify, visit } from 'yaml'
import { parsePolicy } from '../../stores/policy-file.ts'
import { usage } from '../failure.ts'
import { withoutSecrets } from '../policy-exposure.ts'
import { type ImportRow, openAccount } from './account.ts'
import { type Draft, type Section, SHAPES, type Shape, type ShapeName } from './shape.ts'
import { SHAPE_OF, shapeFor } from './shapes.ts'
import { type Fields, isFields } from './values.ts'

export interface Imported {
  readonly from: ShapeName
  readonly text: string
  readonly rows: readonly ImportRow[]
  readonly models: readonly string[]
  readonly tasks: readonly string[]
  /** Variables that have to be set before the models with keys can be used. */
  readonly variables: readonly string[]
}

export interface ImportSource {
  readonly text: string
  /** Without its folder: it stands in the first lines. */
  readonly fileName: string
  readonly from: ShapeName | undefined
}

/** @throws RouterError usage: it is no such file, or nothing of it could be carried */
export function importPolicy({ text, fileName, from }: ImportSource): Imported {
  const source = objectIn(text, fileName)
  const shape = from === undefined ? shapeFor(source) : SHAPE_OF[from]
  if (!shape)
    throw usage(
      `${fileName} looks like none of ${SHAPES.join(', ')}`,
      'Say what it is with --from, or start with `spillway init`.',
    )
  if (!shape.fits(source))
    throw usage(`${fileName} is no ${shape.title}`, `Leave --from out, or name one of ${SHAPES.join(', ')}.`)
  const account = openAccount(source)
  const draft = shape.draft(source, account)
  if (draft.models.size === 0 || draft.tasks.size === 0)
    throw usage(`No model of ${fileName} could be carried`, reasonOf(account.rows()))
  const written = policyText(draft, { shape, fileName })
  checked(written, fileName)
  const rows = account.rows()
  const variables = [...new Set([...written.matchAll(/\$\{env:(\w+)\}/g)].map(([, name = '']) => name))]
  return {
    from: shape.name,
    text: written,
    rows,
    models: [...draft.models.keys()],
    tasks: [...draft.tasks.keys()],
    variables,
  }
}

function reasonOf(rows: readonly ImportRow[]): string {
  const first = rows.find(({ kind }) => kind === 'dropped')
  return first ? `${first.path}: ${first.why}. ${first.fix}` : 'Name at least one model in it.'
}

const MOST_ALIASES = 100

/** JSON is YAML, but for comments, which these files often have. */
function objectIn(text: string, fileName: string): Fields {
  const written = text.replace(/^\uFEFF/, '')
  const plain = parseDocument(/^\s*[{/]/.test(written) ? withoutComments(written) : written, { uniqueKeys: true })
  const [error] = plain.errors
  if (error) {
    const why = error.message.split('\n')[0]?.replace(/:$/, '') ?? 'it is no YAML'
    throw usage(`${fileName} cannot be read: ${why}`, 'Mend the file there.')
  }
  let aliases = 0
  visit(plain, {
    Alias() {
      aliases += 1
    },
  })
  const value: unknown = aliases > MOST_ALIASES ? null : readable(plain)
  if (isFields(value)) return value
  throw usage(`${fileName} holds no configuration`, 'Name a file whose top level has keys, as YAML or JSON.')
}

function readable(document: ReturnType<typeof parseDocument>): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES })
    return isDeeper(value, MOST_DEPTH) ? null : value
  } catch {
    // An alias that leads to itself, or to too much.
    return null
  }
}

/** No configuration is; an alias that leads to itself has no end at all. */
const MOST_DEPTH = 32

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((child) => isDeeper(child, depth - 1))
}

function withoutComments(text: string): string {
  return text
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part.startsWith('"') ? part : ' '))
    .replaceAll('\t', ' ')
}

interface Origin {
  readonly shape: Shape
  readonly fileName: string
}

function policyText({ models, tasks, rest }: Draft, { shape, fileName }: Origin): string {
  const lines = [
    '# yaml-language-server: $schema=./node_modules/spillway/schema.json',
    `# Imported from ${fileName.replace(/[^\x20-\x7e]/g, '?')} (${shape.title}). Keys stand in variables of the environment, never here.`,
    '# `spillway policy check` validates this file, `spillway route "…"` shows what it would do to a request.',
    '',
    ...sectionLines('models', models),
    '',
    '# A client asks for a task by its name in place of a model; requests that name none go to defaults.task.',
    ...sectionLines('tasks', tasks),
    '',
  ]
  return `${lines.join('\n')}${Object.keys(rest).length > 0 ? yaml(rest) : ''}`
}

function sectionLines(name: string, sections: ReadonlyMap<string, Section>): readonly string[] {
  const entries = [...sections].map(([key, { notes, value }]) => {
    const lines = [
      ...notes.map((note) => `# ${note}`),
      ...yaml({ [key]: value })
        .trimEnd()
        .split('\n'),
    ]
    return lines.map((line) => `  ${line}`).join('\n')
  })
  return [`${name}:`, ...entries]
}

function yaml(value: Fields): string {
  return stringify(withoutSecrets(value), { lineWidth: 0, flowCollectionPadding: false })
}

/** Only the text that is written counts, so it is read as any policy is. */
function checked(text: string, fileName: string): void {
  try {
    parsePolicy(text, { file: 'the imported policy', env: {} })
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
    throw usage(
      `${fileName} holds something that no policy can say: ${why}`,
      'Take it out of the file, and import the rest.',
    )
  }
}
