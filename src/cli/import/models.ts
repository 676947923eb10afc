/** Models of other programs as models of a policy. Whether one is local is a matter of where it answers. */
import { isPassedOn, onThisMachine } from '../../spec/destination.ts'
import { PRESETS, type Preset } from '../../spec/presets.ts'
import type { Account, Path } from './account.ts'
import type { Section } from './shape.ts'
import { type Fields, textOf } from './values.ts'

export interface ForeignModel {
  readonly at: Path
  /** What it is called there, as far as it is a name. */
  readonly name: string
  /** How its provider is spoken to: a preset, or `azure`. */
  readonly provider: string
  readonly model: string
  readonly address: { readonly at: Path; readonly value: unknown } | null
  readonly key: { readonly at: Path; readonly value: unknown } | null
  /** Where the file says for what it is. */
  readonly tier?: 'local_fast' | 'local_quality'
  /** Further keys of the policy. */
  readonly more?: Fields
}

export interface ImportedModel {
  readonly name: string
  readonly isLocal: boolean
}

/** The models of one draft: the same model under the same settings stands there once. */
export interface Models {
  readonly sections: ReadonlyMap<string, Section>
  /** @returns null when it cannot be carried, which the account says */
  add(model: ForeignModel): ImportedModel | null
}

export function openModels(account: Account): Models {
  const sections = new Map<string, Section>()
  const known = new Map<string, ImportedModel>()
  return {
    sections,
    add(foreign) {
      const made = modelOf(foreign, account)
      if (made === null) return null
      const same = JSON.stringify(made.value)
      const before = known.get(same)
      if (before) return before
      const name = uniqueName(foreign.name, sections)
      const added = { name, isLocal: made.isLocal }
      known.set(same, added)
      sections.set(name, { notes: made.notes, value: made.value })
      return added
    },
  }
}

interface Made {
  readonly isLocal: boolean
  readonly notes: readonly string[]
  readonly value: Fields
}

function modelOf(foreign: ForeignModel, account: Account): Made | null {
  const written = addressOf(foreign, account)
  const preset = presetFor(foreign.provider, written)
  const known = preset ? PRESETS[preset] : undefined
  const provider = foreign.provider === 'azure' ? 'azure' : known?.provider
  if (provider === undefined) {
    account.dropped(foreign.at, {
      why: `its provider ${foreign.provider.slice(0, 40)} is not known here`,
      fix: 'Add the model by hand: provider openai with its baseUrl where it has an OpenAI-compatible API, else ai-sdk.',
    })
    return null
  }
  // A provider that is known is asked where it says itself: old paths and paths for other clients fall away.
  const address =
    known && known.jurisdiction !== 'self' && hostOf(known.baseUrl) === hostOf(written ?? '') ? null : written
  if (provider === 'azure' && address === null) {
    account.dropped(foreign.at, {
      why: 'a deployment of Azure needs the address of its resource',
      fix: 'Add the model by hand, with provider azure and its baseUrl.',
    })
    return null
  }
  const where = address ?? known?.baseUrl ?? ''
  const isLocal = provider !== 'azure' && provider !== 'anthropic' && isHere(where, foreign.model, known)
  const tier = isLocal ? (foreign.tier ?? tierBySize(foreign.model)) : 'frontier'
  const apiKey = keyOf(foreign, { isLocal, preset: known ?? null }, account)
  const notes = [
    ...(foreign.tier && !isLocal
      ? [`It stood in a local tier, and answers at ${hostOf(where)}: what is asked leaves this machine.`]
      : []),
    ...(isLocal && !foreign.tier
      ? [`Tier by its size: local_fast up to ${SMALL_BILLIONS}B, local_quality above.`]
      : []),
  ]
  const isHosted = known !== undefined && !isLocal && address === null && preset !== 'ollama'
  const value = {
    ...(isHosted && { preset }),
    provider,
    model: foreign.model,
    tier,
    ...(address !== null && { baseUrl: address }),
    ...(address === null && isLocal && known && provider !== 'ollama' && { baseUrl: known.baseUrl }),
    ...(isPrivateName(where) && !isLocal && { privateNetwork: true }),
    ...(apiKey !== null && { apiKey }),
    ...foreign.more,
  }
  return { isLocal, notes, value }
}

function isHere(address: string, model: string, preset: Preset | undefined): boolean {
  return onThisMachine(address) && !isPassedOn(model) && preset?.passesOn !== true
}

const PATHS = /\/(?:v1\/)?(?:chat\/completions|messages|completions|responses|embeddings)\/?$/
const OLLAMA_PATHS = /\/(?:api(?:\/(?:generate|chat))?|v1)\/?$/

/** Without a path that a client adds by itself, and without what may be a secret in it. */
function addressOf({ provider, address, model }: ForeignModel, account: Account): string | null {
  if (address === null) return null
  const written = textOf(address.value)
  const text = written?.replace(/^os\.environ\/(\w+)$|^\$\{?(\w+)\}?$/, '') ?? ''
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    account.dropped(address.at, {
      why: written === null || text !== '' ? 'it is no address' : 'an address from a variable is not read',
      fix: `Write baseUrl of ${model.slice(0, 60)} into the policy by hand.`,
    })
    return null
  }
  const url = new URL(text)
  const hadSecret = url.username !== '' || url.password !== '' || url.search !== ''
  for (const part of ['username', 'password', 'search', 'hash'] as const) url[part] = ''
  const full = url.href.replace(/\/+$/, '')
  const isOllama = provider === 'ollama'
  const base = isOllama
    ? versioned(full).replace(OLLAMA_PATHS, '')
    : provider === 'anthropic'
      ? full.replace(/\/v1(?:\/messages)?$/, '')
      : versioned(full)
  if (hadSecret)
    account.changed(address.at, {
      to: 'baseUrl',
      why: 'a password or a query stood in the address and was left out',
      fix: 'Give the key as apiKey: "${env:NAME}".',
    })
  else if (base === full) account.carried(address.at, 'baseUrl')
  else account.changed(address.at, { to: 'baseUrl', why: `it is ${base}: the path is added by itself` })
  return base.replace('//localhost', '//127.0.0.1')
}

/** `https://host/v1/chat/completions` is asked below `https://host/v1`. */
function versioned(full: string): string {
  const cut = PATHS.exec(full)
  if (!cut) return full
  const base = full.slice(0, cut.index)
  return cut[0].startsWith('/v1/') ? `${base}/v1` : base
}

/** An address says more than a name: a preset by its host, else the one that is named. */
function presetFor(provider: string, address: string | null): string | null {
  const entries = Object.entries(PRESETS)
  const byHost =
    address === null
      ? undefined
      : entries.find(([, one]) => hostOf(one.baseUrl) === hostOf(address) && speaks(provider, one))
  if (byHost) return byHost[0]
  return Object.hasOwn(PRESETS, provider) ? provider : null
}

function speaks(provider: string, preset: Preset): boolean {
  const own = Object.hasOwn(PRESETS, provider) ? PRESETS[provider] : undefined
  return own === undefined || own.provider === preset.provider
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : ''
}

/** Names that only a network of one's own knows. */
function isPrivateName(address: string): boolean {
  if (!URL.canParse(address)) return false
  const host = new URL(address).hostname
  if (/^[\d.]+$|^\[/.test(host)) return false
  return !host.includes('.') || /\.(?:local|lan|internal|intranet|home|corp)$/i.test(host)
}

const SMALL_BILLIONS = 4

function tierBySize(model: string): 'local_fast' | 'local_quality' {
  const [, size] = /(?:^|[^\d.])(\d+(?:\.\d+)?)b(?![a-z])/i.exec(model) ?? []
  const isSmall = size !== undefined ? Number(size) <= SMALL_BILLIONS : /\d+m(?![a-z])/i.test(model)
  return isSmall ? 'local_fast' : 'local_quality'
}

interface KeyPlace {
  readonly isLocal: boolean
  readonly preset: Preset | null
}

/** References to variables are carried; a key itself never is, nor shown. */
function keyOf({ key, name }: ForeignModel, { isLocal, preset }: KeyPlace, account: Account): string | null {
  const text = textOf(key?.value)
  if (key === null || text === null) {
    if (key !== null) account.dropped(key.at, { why: 'it is empty', fix: 'Nothing to do.' })
    const usual = preset === null ? variableFor(name) : preset.keyVariable
    return isLocal || usual === null ? null : `\${env:${usual}}`
  }
  const variable = /^os\.environ\/(\w+)$/.exec(text)?.[1] ?? /^\$\{?(?:env:)?([A-Za-z_]\w*)\}?$/.exec(text)?.[1]
  if (variable !== undefined && /^[A-Za-z_]/.test(variable)) {
    account.carried(key.at, 'apiKey')
    return `\${env:${variable}}`
  }
  if (isLocal) {
    account.dropped(key.at, {
      why: 'a key stood in the file, for a server of this machine, and was not copied',
      fix: 'If the server wants it, set a variable and write apiKey: "${env:NAME}".',
    })
    return null
  }
  const wanted = preset?.keyVariable ?? variableFor(name)
  account.changed(key.at, {
    to: 'apiKey',
    why: `a key stood in the file and was not copied; the policy reads ${wanted}`,
    fix: `Set ${wanted} to the key, and take the key out of the old file.`,
  })
  return `\${env:${wanted}}`
}

function variableFor(name: string): string {
  const plain = name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^[^A-Z]+|_+$/g, '')
  return `${(plain || 'MODEL').slice(0, 40)}_API_KEY`
}

function uniqueName(wanted: string, taken: ReadonlyMap<string, unknown>): string {
  const plain =
    wanted
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z]+|-+$/g, '')
      .slice(0, 60) || 'model'
  let name = plain
  for (let count = 2; taken.has(name); count += 1) name = `${plain}-${count}`
  return name
}
