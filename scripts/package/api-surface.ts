/** What programs can name: every export of every entry with its declaration, and the types that those name in turn. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'rolldown/utils'

interface Declared {
  /** Without `export`, `declare` and comments; laid out as in the package. */
  readonly text: string
  /** Types of the package that the declaration names, by their own name, with where each is declared. */
  readonly names: readonly Place[]
}

interface Place {
  readonly file: string
  readonly name: string
}

interface Module {
  readonly declared: ReadonlyMap<string, { readonly text: string; readonly kind: string }>
  /** Local name -> where it comes from; packages of others are not in it. */
  readonly imported: ReadonlyMap<string, Place>
  /** Exported name -> the name inside, or where it comes from. */
  readonly exported: ReadonlyMap<string, Place>
}

export interface Surface {
  /** By entry (`.`, `./gateway`): exported name -> declaration. */
  readonly entries: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Not exported by any entry, but named by what is: a change of one is a change of what programs see. */
  readonly named: readonly string[]
}

/** Types of tables are as long as the tables, which have pages of their own: `errors.md`, `policy.md`. */
const LONGEST_VALUE = 2000

/** @param root the folder of the built package */
export function apiSurface(root: string): Surface {
  const modules = new Map<string, Module>()
  const moduleOf = (file: string): Module => {
    const known = modules.get(file) ?? readModule(file)
    modules.set(file, known)
    return known
  }
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>
  }
  const entries: Record<string, Record<string, string>> = {}
  const shown = new Set<string>()
  const waiting: Place[] = []
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    const file = join(root, target.types)
    const names = [...moduleOf(file).exported.keys()].sort()
    const rows = names.map((name) => {
      const place = declarationOf({ file, name }, moduleOf)
      const found = declared(place, moduleOf)
      shown.add(key(place))
      waiting.push(...found.names)
      return [name, found.text] as const
    })
    entries[entry] = Object.fromEntries(rows)
  }
  return { entries, named: namedBy(waiting, shown, moduleOf) }
}

function namedBy(waiting: Place[], shown: Set<string>, moduleOf: (file: string) => Module): readonly string[] {
  const rows: [string, string][] = []
  for (const from of waiting) {
    const place = declarationOf(from, moduleOf)
    if (shown.has(key(place))) continue
    shown.add(key(place))
    const entry = moduleOf(place.file).declared.get(place.name)
    if (entry === undefined || entry.kind === 'VariableDeclaration') continue
    const found = declared(place, moduleOf)
    rows.push([place.name, found.text])
    waiting.push(...found.names)
  }
  return rows.toSorted(([a, one], [b, other]) => (a + one < b + other ? -1 : 1)).map(([, text]) => text)
}

function key({ file, name }: Place): string {
  return `${file}#${name}`
}

/** Follows re-exports and imports to the file that declares the name. */
function declarationOf(place: Place, moduleOf: (file: string) => Module): Place {
  const { declared: own, imported, exported } = moduleOf(place.file)
  if (own.has(place.name)) return place
  const next = exported.get(place.name) ?? imported.get(place.name)
  if (next === undefined) throw new Error(`${place.file} neither declares nor imports ${place.name}.`)
  return declarationOf(next, moduleOf)
}

function declared(place: Place, moduleOf: (file: string) => Module): Declared {
  const { declared: own, imported } = moduleOf(place.file)
  const { text, kind } = own.get(place.name) ?? { text: '', kind: '' }
  if (kind === 'VariableDeclaration' && text.length > LONGEST_VALUE)
    return { text: `const ${place.name}: object // a table with a page of its own`, names: [] }
  const words = new Set(text.match(/[A-Za-z_$][\w$]*/g))
  const local = [...own.keys()].filter((name) => name !== place.name && words.has(name))
  const foreign = [...imported].filter(([name]) => words.has(name)).map(([, from]) => from)
  return { text, names: [...local.map((name) => ({ file: place.file, name })), ...foreign] }
}

function readModule(file: string): Module {
  const text = readFileSync(file, 'utf8')
  const { program, comments, errors } = parseSync(file, text, { lang: 'dts' })
  if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors[0]?.message}`)
  const plain = (start: number, end: number): string => withoutComments(text, comments, { start, end })
  const found = {
    declared: new Map<string, { text: string; kind: string }>(),
    imported: new Map(),
    exported: new Map(),
  }
  for (const statement of program.body) readStatement(statement as unknown as Statement, { file, plain, found })
  return found
}

/** The parts of a statement's syntax tree (ESTree with TypeScript) that are looked at. */
interface Statement {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly source?: { readonly value: string } | null
  readonly specifiers?: readonly Specifier[]
  readonly declaration?: Statement | null
  readonly id?: { readonly name: string }
  readonly declarations?: readonly { readonly id: { readonly name: string } }[]
}

interface Specifier {
  readonly local: { readonly name: string }
  readonly exported?: { readonly name: string }
  readonly imported?: { readonly name: string }
}

interface Reading {
  readonly file: string
  readonly plain: (start: number, end: number) => string
  readonly found: {
    readonly declared: Map<string, { text: string; kind: string }>
    readonly imported: Map<string, Place>
    readonly exported: Map<string, Place>
  }
}

function readStatement(statement: Statement, { file, plain, found }: Reading): void {
  const source = statement.source?.value
  const from = source?.startsWith('.') ? join(dirname(file), source).replace(/\.[jt]s$/, '.d.ts') : undefined
  if (source !== undefined && from === undefined) return
  for (const { local, exported, imported } of statement.specifiers ?? []) {
    if (exported) found.exported.set(exported.name, { file: from ?? file, name: local.name })
    else if (from) found.imported.set(local.name, { file: from, name: imported?.name ?? 'default' })
  }
  const inner = statement.declaration ?? statement
  const names = inner.id ? [inner.id.name] : (inner.declarations ?? []).map(({ id }) => id.name)
  for (const name of names) {
    const text = plain(inner.start, inner.end).replace(/^declare /, '')
    const before = found.declared.get(name)
    // Overloads of a function stand under one name.
    found.declared.set(name, { text: before ? `${before.text}\n${text}` : text, kind: inner.type })
    if (statement.declaration) found.exported.set(name, { file, name })
  }
}

function withoutComments(
  text: string,
  comments: readonly { readonly start: number; readonly end: number }[],
  range: { readonly start: number; readonly end: number },
): string {
  let result = ''
  let at = range.start
  for (const { start, end } of comments) {
    if (start < range.start || end > range.end) continue
    result += text.slice(at, start)
    at = end
  }
  result += text.slice(at, range.end)
  return result.replace(/^[ \t]*\n/gm, '').replace(/[ \t]+$/gm, '')
}
