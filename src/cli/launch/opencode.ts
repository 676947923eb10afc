/** opencode: lays OPENCODE_CONFIG_CONTENT over all its files but an administrator's. */
import { join } from 'node:path'
import type { Client, ClientPlace, FoundSetting } from './client.ts'
import { merged, mergedJson } from './edit-json.ts'
import { settingsIn } from './settings-file.ts'

const VARIABLE = 'OPENCODE_CONFIG_CONTENT'

export const opencode: Client = {
  name: 'opencode',
  title: 'opencode',
  programs: ['opencode'],
  install: 'Install it with `npm install -g opencode-ai`.',
  dialect: 'openai',
  usualAddress: 'the provider of its model',
  clears: [],
  settings({ url, key }, place) {
    const content = merged(parsed(place.env[VARIABLE]), config(url, '{env:SPILLWAY_KEY}'))
    return { set: { [VARIABLE]: JSON.stringify(content), SPILLWAY_KEY: key }, args: [], files: [] }
  },
  found(place) {
    const inVariable = parsed(place.env[VARIABLE])
    const model = typeof inVariable.model === 'string' ? inVariable.model : null
    const own = model === null ? [] : [{ file: null, line: null, key: `${VARIABLE} model`, value: model }]
    const all = [
      ...own,
      ...configFiles(place).flatMap((file) => settingsIn(file, ['model', 'provider.*.options.baseURL'])),
    ]
    const chosen = all.find(({ key }) => key.endsWith('model'))
    if (!chosen) return []
    const provider = chosen.value.split('/', 1)[0] ?? ''
    const address =
      addressOf(inVariable, provider) ?? all.find(({ key }) => key === `provider.${provider}.options.baseURL`)
    return [address ? { ...address, role: 'address' } : { ...chosen, role: 'switch' }]
  },
  written: ({ url }, place) => {
    const file = join(configFolder(place), 'opencode.json')
    return {
      file,
      change: (before) => mergedJson(before, config(url, `{file:${join(place.ownFolder, 'opencode.key')}}`), file),
      next: [],
    }
  },
}

/** `auto:fast` is for titles and summaries of its own. */
function config(url: string, apiKey: string): Readonly<Record<string, unknown>> {
  const models = { auto: { name: 'auto' }, 'auto:fast': { name: 'auto, fastest local model first' } }
  const options = { baseURL: `${url}/v1`, apiKey }
  return {
    $schema: 'https://opencode.ai/config.json',
    model: 'spillway/auto',
    small_model: 'spillway/auto:fast',
    provider: { spillway: { npm: '@ai-sdk/openai-compatible', name: 'Spillway', options, models } },
  }
}

/** The strongest first. */
function configFiles(place: ClientPlace): readonly string[] {
  const own = place.env.OPENCODE_CONFIG
  return [
    ...both(join(place.cwd, '.opencode', 'opencode.json')),
    ...both(join(place.cwd, 'opencode.json')),
    ...(own ? [own] : []),
    ...both(join(configFolder(place), 'opencode.json')),
  ]
}

function both(file: string): readonly string[] {
  return [`${file}c`, file]
}

function configFolder({ env, home }: ClientPlace): string {
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'opencode')
}

function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function addressOf(content: Readonly<Record<string, unknown>>, provider: string): Omit<FoundSetting, 'role'> | null {
  const { provider: all } = content as {
    readonly provider?: Readonly<Record<string, { readonly options?: { readonly baseURL?: string } }>>
  }
  const value = all?.[provider]?.options?.baseURL
  return value === undefined
    ? null
    : { file: null, line: null, key: `${VARIABLE} provider.${provider}.options.baseURL`, value }
}
