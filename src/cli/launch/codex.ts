/** Codex: asks the Responses API of the provider that `model_provider` names; `-c` is stronger than its files. */
import { join } from 'node:path'
import { type Client, type ClientPlace, type FoundSetting, names, variables } from './client.ts'
import { withTomlTable, withTomlValues } from './edit-toml.ts'
import { tomlIn } from './settings-file.ts'

const PROVIDER = 'spillway'

export const codex: Client = {
  name: 'codex',
  title: 'Codex',
  programs: ['codex'],
  install: 'Install it with `npm install -g @openai/codex`.',
  dialect: 'openai',
  usualAddress: 'https://api.openai.com/v1',
  clears: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CODEX_API_KEY', 'AZURE_OPENAI_API_KEY'],
  settings({ url, key }, _, words) {
    const values = {
      ...(names(words, '-m', '--model') ? {} : { model: 'auto' }),
      model_provider: PROVIDER,
      ...Object.fromEntries(
        Object.entries(provider(url)).map(([name, value]) => [`model_providers.${PROVIDER}.${name}`, value]),
      ),
    }
    const args = Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${JSON.stringify(value)}`])
    return { set: { SPILLWAY_KEY: key }, args, files: [] }
  },
  found(place) {
    const file = configFile(place)
    const settings = tomlIn(file, (key) => /^(model_provider|openai_base_url|model_providers\..+)$/.test(key))
    const chosen = settings.find(({ key }) => key === 'model_provider')
    const table = `model_providers.${chosen?.value ?? 'openai'}`
    const address = settings.find(({ key }) => key === `${table}.base_url` || (!chosen && key === 'openai_base_url'))
    const variable = settings.find(({ key }) => key === `${table}.env_key`)
    const key = variable ? place.env[variable.value] : undefined
    return [
      ...(address ? [{ ...address, role: 'address' } satisfies FoundSetting] : []),
      ...(chosen && !address ? [{ ...chosen, role: 'switch' } satisfies FoundSetting] : []),
      ...(variable && key ? [{ ...variable, value: key, role: 'key' } satisfies FoundSetting] : []),
      ...(chosen ? [] : variables(place.env, 'address', 'OPENAI_BASE_URL')),
      ...(chosen ? [] : variables(place.env, 'key', 'OPENAI_API_KEY')),
    ]
  },
  written: ({ url }, place) => ({
    file: configFile(place),
    change: (before) =>
      withTomlTable(
        withTomlValues(before ?? '', { model: 'auto', model_provider: PROVIDER }),
        `model_providers.${PROVIDER}`,
        provider(url),
      ),
    next: [`export SPILLWAY_KEY="$(cat '${join(place.ownFolder, 'codex.key')}')"   # Codex reads the key from there`],
  }),
}

/** Codex adds `/responses`. */
function provider(url: string): Readonly<Record<string, string>> {
  return { name: 'Spillway', base_url: `${url}/v1`, env_key: 'SPILLWAY_KEY', wire_api: 'responses' }
}

function configFile({ env, home }: ClientPlace): string {
  return join(env.CODEX_HOME || join(home, '.codex'), 'config.toml')
}
