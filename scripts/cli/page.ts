/** docs/reference/cli.md: every command with its flags, an example, and what it prints with `--json`. */
import type { CommandRow } from './commands.ts'
import { type Documented, shapeText } from './json-shapes.ts'

/** @param documented by command: docs/reference/cli-json.json */
export function cliPage(
  rows: readonly CommandRow[],
  documented: Readonly<Record<string, Documented>>,
  note: string,
): string {
  const groups = [...new Set(rows.map(({ group }) => group ?? 'Commands:'))]
  const parts = groups.map((group) => {
    const own = rows.filter((row) => (row.group ?? 'Commands:') === group)
    return `## ${group.replace(/:$/, '')}\n\n${own.map((row) => commandPart(row, documented[row.path])).join('\n')}`
  })
  return `# Commands\n\n${note}
Data goes to stdout, talk to stderr. Every command takes \`--json\`; an error is then one JSON object on the last line of stderr:
\`{"error":{"code":"…","message":"…","fix":"…"}}\`, with the codes of [errors.md](errors.md). Exit codes: 0 ok, 1 failure, 2 usage, 3 nothing to run on, 4
does not fit, 5 blocked by policy, 6 acceptance bar missed, 130 interrupted.

What is printed with \`--json\` stands below each command, and as JSON Schema in \`docs/reference/cli-json.json\`; it is made from what the tests print, and they fail
when a command prints anything else. A field with \`?\` is not in every value; deeper fields may be missing, too; a field that may be null may say so or not. Versions add
fields, and take none away without a word ([versions.md](../guides/versions.md)).\n\n${parts.join('\n')}`
}

function commandPart(row: CommandRow, documented: Documented | undefined): string {
  const flags = row.options.filter(({ flags: one }) => one !== '--json')
  const rows = flags.map(({ flags: one, description, choices }) => {
    const among = choices.length > 0 ? ` (${choices.join(', ')})` : ''
    return `| \`${escaped(one)}\` | ${escaped(description)}${among} |`
  })
  const table = rows.length === 0 ? '' : `\n| flag | meaning |\n| --- | --- |\n${rows.join('\n')}\n`
  const examples = row.examples.length === 0 ? '' : `\n\`\`\`bash\n${row.examples.join('\n')}\n\`\`\`\n`
  return `### \`spillway ${[row.path, row.usage].filter((part) => part !== '').join(' ')}\`\n\n${sentence(row.description)}\n${examples}${table}${jsonPart(documented)}`
}

function jsonPart(documented: Documented | undefined): string {
  if (documented === undefined) return ''
  const each = documented.prints === 'lines' ? ', one a line' : ''
  return `\n<details><summary><code>--json</code>${each}</summary>\n\n\`\`\`text\n${shapeText(documented.schema)}\n\`\`\`\n\n</details>\n`
}

/** In a table of Markdown; angle brackets are HTML to the site. */
function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}

function sentence(text: string): string {
  const plain = text.replaceAll('<', '&lt;').replaceAll('{', '&#123;')
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`
}
