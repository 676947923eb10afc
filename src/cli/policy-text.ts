/** A template with the models that are really there: the file that a person would write, comments and all. Pure. */
import { stringify } from 'yaml'

/** One entry of `models`. */
export interface ModelBlock {
  readonly name: string
  /** One sentence that stands above it. */
  readonly comment: string
  readonly keys: Readonly<Record<string, string | number | boolean | Readonly<Record<string, number>>>>
}

export interface PolicyChoice {
  /** In place of the template's own embedded model; none keeps that one, which waits until it is fetched. */
  readonly locals: readonly ModelBlock[]
  /** In place of the template's own two; none means that nothing leaves this machine. */
  readonly frontiers: readonly ModelBlock[] | 'as_shipped'
}

/**
 * @param template the text of a shipped template: its models are `small`, `haiku` and `luna`
 * @returns the template itself where the choice is as shipped
 */
export function policyText(template: string, { locals, frontiers }: PolicyChoice): string {
  const parts = partsOf(template)
  if (parts === null || (locals.length === 0 && frontiers === 'as_shipped')) return template
  const own = locals.length > 0 ? locals.map(blockText).join('\n') : parts.local
  // A template without frontiers is one under which nothing leaves, whatever keys are set.
  const away =
    frontiers === 'as_shipped' || parts.frontier === '' ? parts.frontier : frontiers.map(blockText).join('\n')
  // A blank line stands between the two, and none where nothing follows.
  const models = [own.trimEnd(), away.trimEnd()].filter((text) => text !== '').join('\n\n')
  return parts.before + models + slots(parts.after, frontiers)
}

interface Parts {
  readonly before: string
  readonly local: string
  readonly frontier: string
  readonly after: string
}

/** The frontiers begin with their comment, or with the first of them; the block ends where a line is not indented. */
function partsOf(template: string): Parts | null {
  const [head] = /^models:\n/m.exec(template) ?? []
  if (head === undefined) return null
  const start = template.indexOf(head) + head.length
  const length = /\n+(?=\S)/.exec(template.slice(start))?.index ?? template.length - start
  const block = template.slice(start, start + length)
  const first = /^(?: {2}# The frontier.*\n(?: {2}#.*\n)*)? {2}haiku:/m.exec(block)?.index ?? block.length
  return {
    before: template.slice(0, start),
    local: block.slice(0, first),
    frontier: block.slice(first),
    after: template.slice(start + length),
  }
}

function blockText({ name, comment, keys }: ModelBlock): string {
  const lines = Object.entries(keys).map(([key, value]) => `    ${key}: ${inline(value)}`)
  return [`  # ${comment}`, `  ${name}:`, ...lines, ''].join('\n')
}

function inline(value: ModelBlock['keys'][string]): string {
  if (typeof value !== 'object') return stringify(value).trimEnd()
  const pairs = Object.entries(value).map(([key, number]) => `${key}: ${number}`)
  return `{ ${pairs.join(', ')} }`
}

const SHIPPED_SLOT = /^( {4})frontier: \[haiku, luna\]$/gm

function slots(text: string, frontiers: PolicyChoice['frontiers']): string {
  if (frontiers === 'as_shipped') return text
  const names = frontiers.map(({ name }) => name)
  if (names.length > 0) {
    const slot = names.length === 1 ? names[0] : `[${names.join(', ')}]`
    return text.replace(SHIPPED_SLOT, `$1frontier: ${slot}`)
  }
  // Without a frontier the local model is asked for what was meant for one; what no gate accepts is marked degraded.
  return text
    .replace(SHIPPED_SLOT, '$1frontier: false')
    .replace(/^( {4})local: false$/gm, '$1local: small # meant for a frontier, and there is none')
    .replace(/^( {4})local: local_quality$/gm, '$1local: [local_quality, local_fast]')
    .replace(/^( {4})onUnavailable: error$\n/gm, '')
}
