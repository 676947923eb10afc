/** Claude Code: asks the Messages API where ANTHROPIC_BASE_URL says, and lets `env` of its settings files win over the environment. */
import { join } from 'node:path'
import { type Client, type ClientPlace, type Door, type FoundSetting, names, variables } from './client.ts'
import { mergedJson } from './edit-json.ts'
import { settingsIn } from './settings-file.ts'

/** Each sends it to a provider of its own, whatever the base URL says. */
const SWITCHES = ['BEDROCK', 'VERTEX', 'FOUNDRY', 'MANTLE', 'ANTHROPIC_AWS'].map((name) => `CLAUDE_CODE_USE_${name}`)

export const claude: Client = {
  name: 'claude',
  title: 'Claude Code',
  programs: ['claude'],
  install: 'Install it with `npm install -g @anthropic-ai/claude-code`.',
  dialect: 'anthropic',
  usualAddress: 'https://api.anthropic.com',
  clears: [
    'ANTHROPIC_API_KEY',
    'ANTHROPIC_CUSTOM_HEADERS',
    'ANTHROPIC_SMALL_FAST_MODEL',
    'CLAUDE_CODE_OAUTH_TOKEN',
    /^CLAUDE_CODE_(USE|SKIP)_(BEDROCK|VERTEX|FOUNDRY|MANTLE|ANTHROPIC_AWS)(_AUTH)?$/,
    /^ANTHROPIC_(BEDROCK|VERTEX|FOUNDRY|AWS)_/,
  ],
  settings(door, place, words) {
    const set = environment(door)
    const inFiles = claude.found(place).filter(({ file, managed }) => file !== null && !managed)
    // A word of the command line is stronger than every file but an administrator's; a second one of it would not be.
    if (inFiles.length === 0 || names(words, '--settings')) return { set, args: [], files: [] }
    const path = join(place.ownFolder, `claude-${process.pid}.json`)
    const off = Object.fromEntries(['ANTHROPIC_API_KEY', ...SWITCHES].map((name) => [name, '']))
    const text = `${JSON.stringify({ env: { ...set, ...off } }, null, 2)}\n`
    return { set, args: ['--settings', path], files: [{ path, text }] }
  },
  found(place) {
    const files = settingsFiles(place).flatMap(({ file, managed }) => inFile(file, managed))
    return [
      ...files,
      ...variables(place.env, 'switch', ...SWITCHES),
      ...variables(place.env, 'address', 'ANTHROPIC_BASE_URL'),
      ...variables(place.env, 'key', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY'),
    ]
  },
  written: (door, place) => {
    const file = join(userFolder(place), 'settings.json')
    return {
      file,
      change: (before) => mergedJson(before, { env: { ...environment(door), ANTHROPIC_API_KEY: '' } }, file),
      next: [],
    }
  },
}

/** Small tasks that it gives to a fast model of its own take the fastest local one that the policy leaves. */
function environment({ url, key }: Door): Readonly<Record<string, string>> {
  return {
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_MODEL: 'auto',
    ANTHROPIC_DEFAULT_OPUS_MODEL: 'auto',
    ANTHROPIC_DEFAULT_SONNET_MODEL: 'auto',
    ANTHROPIC_DEFAULT_HAIKU_MODEL: 'auto:fast',
  }
}

interface SettingsFile {
  readonly file: string
  readonly managed: boolean
}

/** The strongest first. */
function settingsFiles(place: ClientPlace): readonly SettingsFile[] {
  return [
    { file: managedFile(place.platform), managed: true },
    { file: join(place.cwd, '.claude', 'settings.local.json'), managed: false },
    { file: join(place.cwd, '.claude', 'settings.json'), managed: false },
    { file: join(userFolder(place), 'settings.json'), managed: false },
  ]
}

function userFolder({ env, home }: ClientPlace): string {
  return env.CLAUDE_CONFIG_DIR || join(home, '.claude')
}

function managedFile(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return '/Library/Application Support/ClaudeCode/managed-settings.json'
  if (platform === 'win32') return 'C:\\Program Files\\ClaudeCode\\managed-settings.json'
  return '/etc/claude-code/managed-settings.json'
}

function inFile(file: string, managed: boolean): readonly FoundSetting[] {
  const wanted = ['ANTHROPIC_BASE_URL', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY', ...SWITCHES]
  const found = settingsIn(file, [...wanted.map((name) => `env.${name}`), 'apiKeyHelper'])
  return found.flatMap((setting) => {
    const name = setting.key.replace(/^env\./, '')
    const role = name === 'ANTHROPIC_BASE_URL' ? 'address' : SWITCHES.includes(name) ? 'switch' : 'key'
    if (setting.value === '' || (role === 'switch' && /^(0|false|no|off)$/i.test(setting.value))) return []
    return [{ ...setting, role, ...(managed && { managed }) } satisfies FoundSetting]
  })
}
