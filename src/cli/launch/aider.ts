/** aider: asks chat completions where OPENAI_API_BASE says; options win over AIDER_ variables, those over its files; `.env` wins over the environment. */
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { type Client, type ClientPlace, type FoundSetting, names, variables } from './client.ts'
import { settingsIn, variablesIn } from './settings-file.ts'

const MODEL = 'openai/auto'

export const aider: Client = {
  name: 'aider',
  title: 'aider',
  programs: ['aider'],
  install: 'Install it with `python -m pip install aider-install && aider-install`.',
  dialect: 'openai',
  usualAddress: 'https://api.openai.com/v1',
  clears: [
    'OPENAI_BASE_URL',
    'OPENAI_API_TYPE',
    'OPENAI_API_VERSION',
    'OPENAI_ORGANIZATION',
    'ANTHROPIC_API_KEY',
    /^AIDER_(MODEL|WEAK_MODEL|EDITOR_MODEL|API_KEY|SET_ENV|ANTHROPIC_API_KEY|OPENAI_API_(TYPE|VERSION|DEPLOYMENT_ID))$/,
  ],
  settings({ url, key }, _, words) {
    const base = `${url}/v1`
    const args = [
      ...(names(words, '--model') ? [] : ['--model', MODEL]),
      ...(names(words, '--openai-api-base') ? [] : ['--openai-api-base', base]),
    ]
    const set = { OPENAI_API_BASE: base, OPENAI_API_KEY: key, AIDER_OPENAI_API_BASE: base, AIDER_OPENAI_API_KEY: key }
    return { set, args, files: [] }
  },
  found(place) {
    return [
      ...inDotenv(place, ['AIDER_OPENAI_API_BASE', 'AIDER_OPENAI_API_KEY']),
      ...variables(place.env, 'address', 'AIDER_OPENAI_API_BASE'),
      ...variables(place.env, 'key', 'AIDER_OPENAI_API_KEY'),
      ...configFiles(place).flatMap((file) =>
        settingsIn(file, ['openai-api-base', 'openai-api-key']).map((setting) => ({
          ...setting,
          role: setting.key === 'openai-api-base' ? ('address' as const) : ('key' as const),
        })),
      ),
      ...inDotenv(place, ['OPENAI_API_BASE', 'OPENAI_API_KEY']),
      ...variables(place.env, 'address', 'OPENAI_API_BASE'),
      ...variables(place.env, 'key', 'OPENAI_API_KEY'),
    ]
  },
  written: ({ url, key }, place) => ({
    file: join(place.home, '.aider.conf.yml'),
    change(before) {
      const document = parseDocument(before ?? '')
      const values = { model: MODEL, 'openai-api-base': `${url}/v1`, 'openai-api-key': key }
      for (const [name, value] of Object.entries(values)) document.set(name, value)
      return document.toString()
    },
    next: [],
  }),
}

/** The strongest first: what is read last wins. */
function configFiles({ cwd, home }: ClientPlace): readonly string[] {
  return [...new Set([cwd, home])].map((folder) => join(folder, '.aider.conf.yml'))
}

function inDotenv({ cwd, home }: ClientPlace, keys: readonly string[]): readonly FoundSetting[] {
  const files = [...new Set([cwd, home])].map((folder) => join(folder, '.env'))
  return files.flatMap((file) =>
    variablesIn(file, keys).map((setting) => ({
      ...setting,
      role: setting.key.endsWith('BASE') ? ('address' as const) : ('key' as const),
    })),
  )
}
