/** Continue: `cn` reads the file that `--config` names; its editor extensions read `~/.continue/config.yaml` alone. */
import { join } from 'node:path'
import { isMap, isSeq, parseDocument, stringify } from 'yaml'
import { usage } from '../failure.ts'
import { type Client, type ClientPlace, type FoundSetting, names } from './client.ts'
import { textOf } from './settings-file.ts'

const NAME = 'Spillway'

export const continueClient: Client = {
  name: 'continue',
  title: 'Continue',
  programs: ['cn'],
  install:
    'Install its command line with `npm install -g @continuedev/cli`; for an editor, `spillway launch continue --write` puts the model into its config.yaml.',
  dialect: 'openai',
  usualAddress: 'the provider of its first model',
  clears: [],
  settings({ url, key }, place, words) {
    if (names(words, '--config')) return { set: { SPILLWAY_KEY: key }, args: [], files: [] }
    const path = join(place.ownFolder, `continue-${process.pid}.yaml`)
    const text = stringify({ ...EMPTY, models: [model(url, '${{ secrets.SPILLWAY_KEY }}')] })
    return { set: { SPILLWAY_KEY: key }, args: ['--config', path], files: [{ path, text }] }
  },
  found(place) {
    const file = configFile(place)
    const models = parseDocument(textOf(file) ?? '').get('models')
    const first = isSeq(models) ? models.items.find(isMap) : undefined
    if (!first) return []
    const line = lineOf(file, first.range?.[0])
    const [address, key] = [first.get('apiBase'), first.get('apiKey')]
    const found: readonly (FoundSetting | null)[] = [
      typeof address === 'string' ? { file, line, key: 'models[0].apiBase', value: address, role: 'address' } : null,
      address === undefined
        ? { file, line, key: 'models[0].provider', value: String(first.get('provider')), role: 'switch' }
        : null,
      typeof key === 'string' ? { file, line, key: 'models[0].apiKey', value: key, role: 'key' } : null,
    ]
    return found.filter((setting) => setting !== null)
  },
  written: ({ url, key }, place) => {
    const file = configFile(place)
    return { file, change: (before) => withModel(before, model(url, key), file), next: [] }
  },
}

const EMPTY = { name: 'Local Config', version: '1.0.0', schema: 'v1' }

function model(url: string, apiKey: string): Readonly<Record<string, unknown>> {
  const roles = ['chat', 'edit', 'apply', 'summarize']
  return { name: NAME, provider: 'openai', model: 'auto', apiBase: `${url}/v1`, apiKey, roles }
}

/** Ours comes first, since the first is the one that is used. */
function withModel(before: string | null, own: Readonly<Record<string, unknown>>, file: string): string {
  if (before === null || before.trim() === '') return stringify({ ...EMPTY, models: [own] })
  const document = parseDocument(before)
  const models = document.get('models')
  if (document.errors.length > 0 || !isMap(document.contents) || (models !== undefined && !isSeq(models)))
    throw usage(
      `${file} is no configuration of Continue that can be changed`,
      'Mend the file, or put the model in by hand.',
    )
  const others = isSeq(models) ? models.items.filter((item) => !(isMap(item) && item.get('name') === NAME)) : []
  document.set('models', document.createNode([]))
  const list = document.get('models')
  if (isSeq(list)) list.items = [document.createNode(own), ...others]
  return document.toString()
}

function configFile({ env, home }: ClientPlace): string {
  return join(env.CONTINUE_GLOBAL_DIR || join(home, '.continue'), 'config.yaml')
}

function lineOf(file: string, at: number | undefined): number | null {
  return at === undefined ? null : (textOf(file) ?? '').slice(0, at).split('\n').length
}
