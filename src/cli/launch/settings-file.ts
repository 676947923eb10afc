/** Reads single settings out of other programs' files, with the line they stand in. */
import { readFileSync } from 'node:fs'
import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml'

/** One scalar of a file. */
export interface FileSetting {
  readonly file: string
  readonly line: number | null
  readonly key: string
  readonly value: string
}

/** @returns null when there is no such file, or it cannot be read */
export function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/**
 * Scalars of a JSON or YAML file by their path, such as `env.ANTHROPIC_BASE_URL`; JSON is read as YAML, which it is but
 * for comments, and those are blanked out.
 *
 * @param wanted paths, `*` stands for any one name
 * @returns nothing for a file that cannot be read
 */
export function settingsIn(file: string, wanted: readonly string[]): readonly FileSetting[] {
  const text = textOf(file)
  if (text === null) return []
  const lines = new LineCounter()
  const document = parseDocument(/\.jsonc?$/.test(file) ? withoutComments(text) : text, { lineCounter: lines })
  const found: FileSetting[] = []
  visit(document, {
    Pair(_, pair, path) {
      if (!isScalar(pair.value)) return
      const names = [...path, pair].flatMap((node) =>
        typeof node === 'object' && 'key' in node && isScalar(node.key) ? [String(node.key.value)] : [],
      )
      if (!wanted.some((pattern) => matches(pattern, names))) return
      const at = pair.value.range?.[0]
      const line = at === undefined ? null : lines.linePos(at).line
      found.push({ file, line, key: names.join('.'), value: String(pair.value.value) })
    },
  })
  return isMap(document.contents) ? found : []
}

function matches(pattern: string, names: readonly string[]): boolean {
  const parts = pattern.split('.')
  return parts.length === names.length && parts.every((part, at) => part === '*' || part === names[at])
}

/** `NAME=value` lines of a `.env` file. */
export function variablesIn(file: string, wanted: readonly string[]): readonly FileSetting[] {
  return (textOf(file) ?? '').split('\n').flatMap((text, at) => {
    const [, key = '', raw = ''] = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(text) ?? []
    return wanted.includes(key) ? [{ file, line: at + 1, key, value: raw.replace(/^(["'])(.*)\1$/, '$2') }] : []
  })
}

/** Plain `key = "value"` lines of a TOML file, by table: enough for where a client asks, and no more. */
export function tomlIn(file: string, wanted: (key: string) => boolean): readonly FileSetting[] {
  let table = ''
  return (textOf(file) ?? '').split('\n').flatMap((text, at) => {
    const header = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/.exec(text)
    if (header) {
      table = `${header[1]?.trim().replaceAll('"', '')}.`
      return []
    }
    const [, name = '', value = ''] = /^\s*([\w."-]+)\s*=\s*"([^"]*)"/.exec(text) ?? []
    const key = `${table}${name.replaceAll('"', '')}`
    return name !== '' && wanted(key) ? [{ file, line: at + 1, key, value }] : []
  })
}

/** Blanks out `//` and block comments outside of strings, so that every line stays; tabs are no indentation in YAML. */
function withoutComments(text: string): string {
  return text
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) =>
      part.startsWith('"') ? part : part.replace(/[^\n]/g, ' '),
    )
    .replaceAll('\t', ' ')
}
