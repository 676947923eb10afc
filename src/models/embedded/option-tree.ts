import type { Token } from './llama-types.ts'

/** A place where options part. */
export interface Branch {
  /** Tokens from the end of the prompt to this place. */
  readonly path: readonly Token[]
  /** The tokens by which the options go on from here. */
  readonly next: readonly Token[]
}

/** One reading an option needs: the branch, and its token there; null when the option ends where others go on. */
export interface Step {
  readonly branch: number
  readonly token: Token | null
}

export interface OptionTree {
  /** Per option, in the order given. */
  readonly steps: readonly (readonly Step[])[]
  readonly branches: readonly Branch[]
  /** Tokens that may have to be evaluated after the prompt. */
  readonly depth: number
}

/**
 * The places where options part. An option is read at every such place on its way and no further: after the last one
 * its remaining tokens are forced, and reading them would favour short options.
 *
 * @param options the tokens of each option; an option may be the beginning of another one
 */
export function optionTree(options: readonly (readonly Token[])[]): OptionTree {
  const branches: Branch[] = []
  const steps = options.map((own) =>
    [...own, null].flatMap((token, at): Step[] => {
      const siblings = options.filter((other) => startsWith(other, own, at))
      const next = [...new Set(siblings.map((other) => other[at]).filter((value) => value !== undefined))]
      const ending = siblings.some((other) => other.length === at)
      if (next.length === 0 || (next.length < 2 && !ending)) return []
      return [{ branch: branchAt(branches, own.slice(0, at), next), token }]
    }),
  )
  return { steps, branches, depth: Math.max(0, ...branches.map((branch) => branch.path.length)) + 1 }
}

/**
 * Log-probability of each option, as far as the others leave it open.
 *
 * @param readings per branch, the log-probability of each of its tokens; null when it could not be read
 * @returns nats, <= 0; null when one of its readings is missing
 */
export function optionLogprobs(
  tree: OptionTree,
  readings: readonly ReadonlyMap<Token, number | null>[],
): readonly (number | null)[] {
  return tree.steps.map((steps) =>
    steps.reduce<number | null>((sum, { branch, token }) => {
      const known = readings[branch] ?? new Map<Token, number | null>()
      const logprob = token === null ? restOf(known) : (known.get(token) ?? null)
      return sum === null || logprob === null ? null : sum + logprob
    }, 0),
  )
}

/**
 * What the tokens of the longer options leave for the one that ends where they go on.
 *
 * @returns nats, < 0, never minus infinity; null when a reading is missing
 */
export function restOf(known: ReadonlyMap<Token, number | null>): number | null {
  let rest = 1
  for (const logprob of known.values()) {
    if (logprob === null) return null
    rest -= Math.exp(logprob)
  }
  return Math.log(Math.max(rest, LEAST_REST))
}

/** Rounding in the engine's single precision leaves less than this uncertain (see `UNSEEN_MASS` in signals.ts). */
const LEAST_REST = 1e-6

function startsWith(tokens: readonly Token[], prefix: readonly Token[], length: number): boolean {
  for (let at = 0; at < length; at++) if (tokens[at] !== prefix[at]) return false
  return tokens.length >= length
}

function branchAt(branches: Branch[], path: readonly Token[], next: readonly Token[]): number {
  const known = branches.findIndex(
    (branch) => branch.path.length === path.length && startsWith(path, branch.path, path.length),
  )
  return known >= 0 ? known : branches.push({ path, next }) - 1
}
