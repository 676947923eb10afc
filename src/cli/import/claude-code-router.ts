/** claude-code-router's `config.json`: providers, and which `provider,model` each kind of request goes to. */
import type { Account, Path } from './account.ts'
import { type ImportedModel, openModels } from './models.ts'
import type { Section, Shape } from './shape.ts'
import { slotsOf } from './tasks.ts'
import { type Fields, fieldsOf, listOf, nameOf, numberOf, secondsText, textOf } from './values.ts'

export const claudeCodeRouter: Shape = {
  name: 'claude-code-router',
  title: 'claude-code-router config.json',
  fits: (source) => Array.isArray(source.Providers) || (Array.isArray(source.providers) && 'Router' in source),
  draft(source, account) {
    const models = openModels(account)
    const byName = new Map<string, ImportedModel>()
    const list = source.Providers === undefined ? 'providers' : 'Providers'
    for (const [index, entry] of listOf(source[list]).entries()) {
      const at: Path = [list, index]
      const provider = fieldsOf(entry)
      const name = textOf(provider.name) ?? `provider-${index + 1}`
      account.carried([...at, 'name'], 'models')
      if (provider.transformer !== undefined)
        account.dropped([...at, 'transformer'], {
          why: 'adapters translate between the dialects by themselves',
          fix: 'Nothing to do, unless a transformer of your own changes texts.',
        })
      for (const [place, model] of listOf(provider.models).entries()) {
        const id = nameOf(model)
        if (id === null) continue
        const added = models.add({
          at: [...at, 'models', place],
          name: id.split('/').at(-1) ?? id,
          provider: providerOf(name, textOf(provider.api_base_url)),
          model: id,
          address: { at: [...at, 'api_base_url'], value: provider.api_base_url },
          key: provider.api_key === undefined ? null : { at: [...at, 'api_key'], value: provider.api_key },
        })
        if (!added) continue
        account.carried([...at, 'models', place], `models.${added.name}`)
        byName.set(`${name},${id}`, added)
      }
    }
    const tasks = routes(fieldsOf(source.Router), byName, account)
    return { models: models.sections, tasks, rest: settings(source, tasks, account) }
  },
}

/** Its providers have names of the user's own; what they speak shows in their address. */
function providerOf(name: string, address: string | null): string {
  const host = address !== null && URL.canParse(address) ? new URL(address) : null
  if (host?.port === '11434' || /ollama/i.test(name)) return 'ollama'
  if (/generativelanguage/.test(host?.hostname ?? '')) return 'google'
  if (/anthropic\.com$/.test(host?.hostname ?? '') || /\/messages\/?$/.test(host?.pathname ?? '')) return 'anthropic'
  return 'openai'
}

/** What the kinds of requests are called here, and how a client asks for them. */
const KINDS: Readonly<Record<string, { readonly task: string; readonly how: string }>> = {
  background: { task: 'background', how: 'Set ANTHROPIC_DEFAULT_HAIKU_MODEL=background for Claude Code.' },
  think: { task: 'think', how: 'Ask for the model `think` (`/model think`).' },
  webSearch: {
    task: 'web_search',
    how: 'Ask for the model `web_search`; requests with tools go to a frontier by themselves.',
  },
  image: {
    task: 'image',
    how: 'Ask for the model `image`; requests with images go to a model that sees by themselves.',
  },
}

/** Characters of a token, as its own threshold counts them. */
const CHARS_A_TOKEN = 4
const LONG_TOKENS = 60_000

function routes(
  router: Fields,
  models: ReadonlyMap<string, ImportedModel>,
  account: Account,
): ReadonlyMap<string, Section> {
  const tasks = new Map<string, Section>()
  const find = (key: string): ImportedModel | null => {
    const wanted = textOf(router[key])
    if (wanted === null) return null
    const [provider = '', ...rest] = wanted.split(',')
    const found = models.get(`${provider.trim()},${rest.join(',').trim()}`)
    if (!found)
      account.dropped(['Router', key], { why: 'it names no model of Providers', fix: 'Write `provider,model`.' })
    return found ?? null
  }
  const usual = find('default')
  const long = find('longContext')
  if (usual) {
    account.carried(['Router', 'default'], 'tasks.main')
    const bound = longInput(router, { usual, long }, account)
    const section = slotsOf(
      bound === null || !long ? [usual] : [usual, long],
      bound === null ? {} : { maxInputChars: bound },
    )
    if (section) tasks.set('main', section)
  }
  for (const [key, { task, how }] of Object.entries(KINDS)) {
    const model = find(key)
    const section = model && slotsOf([model])
    if (!section) continue
    tasks.set(task, section)
    account.changed(['Router', key], {
      to: `tasks.${task}`,
      why: 'such requests are not recognised, but asked for by name',
      fix: how,
    })
  }
  if (long && !tasks.has('long_context') && (!usual || usual.isLocal === long.isLocal)) {
    const section = slotsOf([long])
    if (section) tasks.set('long_context', section)
    account.changed(['Router', 'longContext'], {
      to: 'tasks.long_context',
      why: 'length moves a request from a local model to a frontier only, and these two are of one kind',
      fix: 'Ask for the model `long_context`, or name both models in `frontier` of tasks.main.',
    })
  }
  return tasks
}

interface Pair {
  readonly usual: ImportedModel
  readonly long: ImportedModel | null
}

/** @returns characters from which on the frontier answers; null when length chooses nothing */
function longInput(router: Fields, { usual, long }: Pair, account: Account): number | null {
  const threshold: Path = ['Router', 'longContextThreshold']
  const tokens = numberOf(router.longContextThreshold, { from: 1, to: 10_000_000 }) ?? LONG_TOKENS
  if (!long || !usual.isLocal || long.isLocal) {
    if (router.longContextThreshold !== undefined)
      account.dropped(threshold, {
        why: 'length chooses between these two models no more',
        fix: 'Set maxInputChars of a task whose local model takes less.',
      })
    return null
  }
  const chars = Math.round(tokens * CHARS_A_TOKEN)
  account.carried(['Router', 'longContext'], 'tasks.main.frontier')
  if (router.longContextThreshold !== undefined)
    account.changed(threshold, {
      to: 'tasks.main.maxInputChars',
      why: `in characters, ${CHARS_A_TOKEN} a token: ${chars}`,
    })
  return chars
}

function settings(source: Fields, tasks: ReadonlyMap<string, Section>, account: Account): Fields {
  const port = numberOf(source.PORT, { from: 1, to: 65_535 })
  const isPort = port !== null && Number.isInteger(port)
  if (isPort) account.carried(['PORT'], 'gateway.port')
  const milliseconds = numberOf(source.API_TIMEOUT_MS, { from: 1, to: 86_400_000 })
  const total = milliseconds === null ? null : secondsText(milliseconds / 1000)
  if (total !== null) account.carried(['API_TIMEOUT_MS'], 'deadlines.frontier.total')
  told(source, account)
  return {
    ...(tasks.has('main') && { defaults: { task: 'main' } }),
    ...(isPort && { gateway: { port } }),
    ...(total !== null && { deadlines: { frontier: { total } } }),
  }
}

const TOLD: Readonly<Record<string, { readonly why: string; readonly fix: string }>> = {
  APIKEY: { why: 'the gateway makes its own keys', fix: 'Give every client one: `spillway keys create <name>`.' },
  HOST: { why: 'the gateway listens on this machine alone', fix: 'Set gateway.host when others should reach it.' },
  PROXY_URL: { why: 'its address may hold a password', fix: 'Set network.proxy: environment and HTTPS_PROXY.' },
  LOG: { why: 'requests are logged always, without texts', fix: 'See `spillway serve --log-file`.' },
  LOG_LEVEL: { why: 'there is one level', fix: 'Nothing to do.' },
  CUSTOM_ROUTER_PATH: {
    why: 'code of a router is not run',
    fix: 'Say it as tasks with `match`; see docs/guides/policy.md.',
  },
}

function told(source: Fields, account: Account): void {
  for (const [key, loss] of Object.entries(TOLD)) if (source[key] !== undefined) account.dropped([key], loss)
}
