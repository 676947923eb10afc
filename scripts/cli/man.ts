/** The manual page: `man spillway` where the package is installed for all. Made from the commands. */
import { ERRORS } from '../../src/spec/errors.ts'
import type { CommandRow } from './commands.ts'

const CODES: Readonly<Record<string, string>> = {
  0: 'what was asked for is done',
  1: 'failure',
  2: 'the command line or the request is wrong',
  3: 'nothing to run on: no model, engine, server or key',
  4: 'does not fit into memory or onto the disk',
  5: 'blocked or held by policy',
  6: 'an acceptance bar is missed',
  130: 'interrupted',
}

/** Variables that this program reads itself; keys of providers are named by the policy. */
const VARIABLES: readonly (readonly [string, string])[] = [
  ['XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME', 'where its folders lie, on every system'],
  ['NO_COLOR, FORCE_COLOR', 'no colour, or colour where no terminal is'],
  ['HF_ENDPOINT, HF_TOKEN', 'another hub of models than huggingface.co, and a token for it'],
  ['OLLAMA_HOST', 'where the Ollama server of this machine listens'],
  ['HTTPS_PROXY, HTTP_PROXY, NO_PROXY', 'used where the policy says so'],
]

const FILES: readonly (readonly [string, string])[] = [
  ['./spillway.yaml', 'the policy; else spillway.yaml in the configuration folder'],
  [
    '~/.config/spillway',
    'configuration; on macOS ~/Library/Application Support/spillway, on Windows %APPDATA%\\spillway',
  ],
  ['~/.local/share/spillway', 'models and the engine'],
  ['~/.local/state/spillway', 'records, keys, journal, logs'],
  ['~/.cache/spillway', 'may be deleted at any time'],
]

/** @returns the page in the macros of man(7) */
export function manPage(rows: readonly CommandRow[]): string {
  const known = new Set<number>(Object.values(ERRORS).map(({ exitCode }) => exitCode))
  const codes = Object.entries(CODES).filter(([code]) => code === '0' || code === '130' || known.has(Number(code)))
  const groups = [...new Set(rows.map(({ group }) => group ?? 'Commands:'))]
  return `${[
    `.\\" Written by npm run docs; change the commands, not this page.`,
    `.TH SPILLWAY 1 "" "spillway" "User Commands"`,
    ...section('Name', ['spillway \\- local-first LLM router']),
    ...section('Synopsis', ['.B spillway', text('<command> [options]')]),
    ...section('Description', [
      'A small local model answers first, evidence decides what is kept, and only the rest goes to a frontier model.',
      'Data goes to stdout and talk to stderr.',
      text(
        'Every command takes --json; an error is then a JSON object on the last line of stderr, and --help, which names what each option means.',
      ),
    ]),
    ...groups.flatMap((group) => [
      ...section(group.replace(/:$/, ''), []),
      ...rows.filter((row) => (row.group ?? 'Commands:') === group).flatMap(commandLines),
    ]),
    ...section('Exit status', codes.flatMap(definition)),
    ...section('Environment', VARIABLES.flatMap(definition)),
    ...section('Files', FILES.flatMap(definition)),
  ].join('\n')}\n`
}

function commandLines({ path, usage, options, description, examples }: CommandRow): readonly string[] {
  const flags = options.map((option) => option.flags).filter((one) => one !== '--json')
  return [
    '.TP',
    `.B ${text([path, usage].filter((part) => part !== '').join(' '))}`,
    text(`${description}.`),
    ...(flags.length === 0 ? [] : ['.br', text(flags.map((one) => `[${one}]`).join(' '))]),
    ...examples.slice(0, 1).flatMap((example) => ['.br', `\\fI${text(example)}\\fR`]),
  ]
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return [`.SH ${name.toUpperCase()}`, ...lines]
}

function definition([term, meaning]: readonly [string, string]): readonly string[] {
  return ['.TP', `.B ${text(term)}`, text(meaning)]
}

/** A line may not begin as a macro does, and a hyphen that is typed must not become a dash. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(['.])/, '\\&$1')
}
