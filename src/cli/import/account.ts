/** What became of every key of a file that is imported: nothing is left out in silence. */

export type Path = readonly (string | number)[]

export interface ImportRow {
  /** carried: the policy says the same. changed: it says it in another way. dropped: it does not say it. */
  readonly kind: 'carried' | 'changed' | 'dropped'
  /** In the imported file, such as `model_list[0].litellm_params.model`. */
  readonly path: string
  /** Where it stands in the policy; null when it does not. */
  readonly to: string | null
  /** Null where nothing needs a word. */
  readonly why: string | null
  /** What to do about it; null when nothing has to be done. */
  readonly fix: string | null
}

export interface Account {
  carried(path: Path, to: string): void
  changed(path: Path, change: { readonly to: string; readonly why: string; readonly fix?: string }): void
  dropped(path: Path, loss: { readonly why: string; readonly fix: string }): void
  /** Of everything, keys that nobody spoke about among them, in the order of the file. */
  rows(): readonly ImportRow[]
}

interface Entry extends ImportRow {
  readonly at: Path
}

/** @param source what was read from the file */
export function openAccount(source: unknown): Account {
  const entries: Entry[] = []
  const add = (at: Path, row: Omit<ImportRow, 'path'>): void => void entries.push({ at, path: pathText(at), ...row })
  return {
    carried: (at, to) => add(at, { kind: 'carried', to, why: null, fix: null }),
    changed: (at, { to, why, fix = null }) => add(at, { kind: 'changed', to, why, fix }),
    dropped: (at, loss) => add(at, { kind: 'dropped', to: null, ...loss }),
    rows() {
      const known = new Tree(entries)
      const silent = unspoken(source, [], known).map((at): Entry => ({ at, path: pathText(at), ...UNKNOWN }))
      const places = new Map(placesOf(source, []).map((path, index) => [path, index]))
      const place = ({ path }: Entry): number => places.get(path) ?? Number.MAX_SAFE_INTEGER
      const sorted = [...entries, ...silent].toSorted((a, b) => place(a) - place(b)).map(({ at: _, ...row }) => row)
      // Two models of one provider say the same of its address.
      return [...new Map(sorted.map((row) => [JSON.stringify(row), row])).values()]
    },
  }
}

const UNKNOWN = {
  kind: 'dropped',
  to: null,
  why: 'nothing in a policy corresponds to it',
  fix: 'Leave it out, or see docs/guides/policy.md for what comes near.',
} as const

/** Which paths were spoken about, and which lie above one. */
class Tree {
  readonly #spoken = new Set<string>()
  readonly #above = new Set<string>([''])

  constructor(entries: readonly Entry[]) {
    for (const { at } of entries) {
      this.#spoken.add(pathText(at))
      for (let length = 1; length < at.length; length += 1) this.#above.add(pathText(at.slice(0, length)))
    }
  }

  isSpoken(path: Path): boolean {
    return this.#spoken.has(pathText(path))
  }

  isAbove(path: Path): boolean {
    return this.#above.has(pathText(path))
  }
}

/** The highest keys about which, and below which, nothing was said. */
function unspoken(value: unknown, path: Path, known: Tree): readonly Path[] {
  if (path.length > 0 && known.isSpoken(path)) return []
  if (!known.isAbove(path)) return [path]
  return childrenOf(value).flatMap(([key, child]) => unspoken(child, [...path, key], known))
}

function placesOf(value: unknown, path: Path): readonly string[] {
  return [pathText(path), ...childrenOf(value).flatMap(([key, child]) => placesOf(child, [...path, key]))]
}

function childrenOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item] as const)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
}

const LONGEST_KEY = 60

/** A key that somebody made of a secret is cut. */
function pathText(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : key.slice(0, LONGEST_KEY)))
    .join('.')
    .replaceAll('.[', '[')
}
