/** Two changes of TOML text that keep every other line as it is. Values are strings. */

type Values = Readonly<Record<string, string>>

/** Sets `key = "value"` before the first table, in place of a line that is there. */
export function withTomlValues(text: string, values: Values): string {
  const { head, rest } = parts(text)
  const kept = head.filter((line) => !Object.hasOwn(values, keyOf(line)))
  return joined([...linesOf(values), ...kept], rest)
}

/** Puts the table with these values at the end, in place of one of that name. */
export function withTomlTable(text: string, table: string, values: Values): string {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => tableOf(line) === table)
  const after = from < 0 ? -1 : lines.findIndex((line, at) => at > from && tableOf(line) !== null)
  const kept = from < 0 ? lines : [...lines.slice(0, from), ...(after < 0 ? [] : lines.slice(after))]
  return `${joined(kept, []).trimEnd()}\n\n[${table}]\n${linesOf(values).join('\n')}\n`
}

function linesOf(values: Values): readonly string[] {
  return Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
}

function parts(text: string): { readonly head: readonly string[]; readonly rest: readonly string[] } {
  const lines = text === '' ? [] : text.split('\n')
  const at = lines.findIndex((line) => tableOf(line) !== null)
  return at < 0 ? { head: lines, rest: [] } : { head: lines.slice(0, at), rest: lines.slice(at) }
}

function joined(head: readonly string[], rest: readonly string[]): string {
  return [...head, ...rest].join('\n').replace(/^\n+/, '')
}

function keyOf(line: string): string {
  return /^\s*"?([\w-]+)"?\s*=/.exec(line)?.[1] ?? ''
}

/** Arrays of tables count, too: what follows them is not the head of the file. */
function tableOf(line: string): string | null {
  return /^\s*\[\[?([^[\]]+)\]\]?\s*(?:#.*)?$/.exec(line)?.[1]?.replace(/["'\s]/g, '') ?? null
}
