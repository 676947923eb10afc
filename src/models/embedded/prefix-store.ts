import { createHash } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LlamaSequence, Token } from './llama-types.ts'

export interface PrefixStoreSettings {
  /** A folder of its own, made when the first prefix is kept. Its files hold what the model read, so it must be private. */
  readonly folder: string
  /** Bytes that one token takes in the key-value cache. */
  readonly bytesPerToken: number
  /** All kept prefixes together, in bytes. */
  readonly maxBytes?: number
}

/**
 * The states of the fixed beginnings of prompts (instruction and worked examples of a task, a system prompt): evaluated
 * once, kept on disk, and put back into whatever sequence comes next. Putting back 200 tokens takes under a
 * millisecond, evaluating them 0.4 s (SmolLM2-135M, one core). The least recently used go first.
 */
export class PrefixStore {
  readonly #settings: Required<PrefixStoreSettings>
  /** In order of use, oldest first. */
  readonly #kept = new Map<string, Kept>()

  constructor(settings: PrefixStoreSettings) {
    this.#settings = { maxBytes: MAX_BYTES, ...settings }
  }

  /**
   * Brings the sequence to hold the prefix, from the store when it has it.
   * A store that fails (disk full) only costs time: the sequence is evaluated as if there were none.
   *
   * @param evaluate evaluates the given tokens at the end of what the sequence holds
   */
  async prepare(
    sequence: LlamaSequence,
    prefix: readonly Token[],
    evaluate: (tokens: readonly Token[]) => Promise<void>,
  ): Promise<void> {
    if (prefix.length < MIN_TOKENS || !this.#isAffordable(prefix)) return
    const held = sequence.compareContextTokens(prefix).firstDifferentIndex
    const key = keyOf(prefix)
    const kept = this.#kept.get(key)
    if (kept !== undefined) this.#touch(key, kept)
    if (held >= prefix.length && kept !== undefined) return
    if (kept !== undefined && (await this.#restore(sequence, key, kept))) return
    await sequence.adaptStateToTokens(prefix, false)
    await evaluate(prefix.slice(sequence.nextTokenIndex))
    await this.#keep(sequence, key)
  }

  /** Removes every file. */
  async dispose(): Promise<void> {
    this.#kept.clear()
    await rm(this.#settings.folder, { recursive: true, force: true })
  }

  #isAffordable(prefix: readonly Token[]): boolean {
    return prefix.length * this.#settings.bytesPerToken <= this.#settings.maxBytes / 4
  }

  #touch(key: string, kept: Kept): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
  }

  async #restore(sequence: LlamaSequence, key: string, kept: Kept): Promise<boolean> {
    try {
      // The risk is a file of another model: these are written by this process for this one loaded copy.
      await sequence.loadStateFromFile(kept.file, { acceptRisk: true })
      return true
    } catch {
      this.#kept.delete(key)
      await sequence.clearHistory()
      return false
    }
  }

  async #keep(sequence: LlamaSequence, key: string): Promise<void> {
    const file = join(this.#settings.folder, `${key}.state`)
    try {
      await mkdir(this.#settings.folder, { recursive: true, mode: 0o700 })
      await sequence.saveStateToFile(file)
      this.#kept.set(key, { file, bytes: (await stat(file)).size })
      await this.#shrink()
    } catch (error) {
      await rm(file, { force: true }).catch(() => undefined)
      console.error(`a prefix was not kept: ${error instanceof Error ? error.message : 'no message'}`)
    }
  }

  async #shrink(): Promise<void> {
    let bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.bytes, 0)
    for (const [key, kept] of this.#kept) {
      if (bytes <= this.#settings.maxBytes) return
      bytes -= kept.bytes
      this.#kept.delete(key)
      await rm(kept.file, { force: true })
    }
  }
}

interface Kept {
  readonly file: string
  readonly bytes: number
}

/** Shorter ones are evaluated about as fast as they are looked up on a large model's disk. */
const MIN_TOKENS = 48

/** 256 MB: fifty tasks with 200 tokens of examples on a 135M model, seven with 250 on one of 8B. */
const MAX_BYTES = 256 * 1024 * 1024

function keyOf(tokens: readonly Token[]): string {
  return createHash('sha256').update(Uint32Array.from(tokens)).digest('hex').slice(0, 32)
}
