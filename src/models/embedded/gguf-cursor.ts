/** What is wrong with a file, in words that finish "The model file … cannot be used: …". */
export class GgufProblem extends Error {
  override readonly name = 'GgufProblem'
}

/** Where the bytes of a GGUF file come from. */
export interface ByteSource {
  /** Of the whole file. */
  readonly sizeBytes: number
  /** Fills the start of `target` with what lies at `position`. @returns how many bytes it filled, 0 at the end */
  readonly read: (target: Buffer, position: number) => number
}

/** Reads little-endian values one after the other through a small window; never allocates by a count from the file. */
export class GgufCursor {
  readonly #source: ByteSource
  readonly #size: number
  #window = Buffer.alloc(0)
  #windowStart = 0
  #at = 0

  constructor(source: ByteSource) {
    this.#source = source
    this.#size = source.sizeBytes
  }

  get position(): number {
    return this.#at
  }

  bytes(count: number): Buffer {
    this.#require(count)
    const end = this.#at + count
    if (end > this.#windowStart + this.#window.length || this.#at < this.#windowStart) this.#fill(count)
    const from = this.#at - this.#windowStart
    this.#at = end
    return this.#window.subarray(from, from + count)
  }

  skip(count: number): void {
    this.#require(count)
    this.#at += count
  }

  u8 = (): number => this.bytes(1).readUInt8()
  u16 = (): number => this.bytes(2).readUInt16LE()
  i8 = (): number => this.bytes(1).readInt8()
  i16 = (): number => this.bytes(2).readInt16LE()
  u32 = (): number => this.bytes(4).readUInt32LE()
  i32 = (): number => this.bytes(4).readInt32LE()
  f32 = (): number => this.bytes(4).readFloatLE()
  f64 = (): number => this.bytes(8).readDoubleLE()
  i64 = (): number => Number(this.bytes(8).readBigInt64LE())

  /** A 64-bit count, length or offset. */
  u64(what: string): number {
    const value = this.bytes(8).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new GgufProblem(`${what} is impossibly large (${value})`)
    return Number(value)
  }

  /** Longer strings than `keepBytes` are skipped and come back as null: chat templates and vocabularies are not needed. */
  text(what: string, keepBytes: number): string | null {
    const length = this.u64(`the length of ${what}`)
    if (length > keepBytes) {
      this.skip(length)
      return null
    }
    return this.bytes(length).toString('utf8')
  }

  #require(count: number): void {
    if (this.#at + count > this.#size) throw new GgufProblem('its header ends in the middle: the file is truncated')
    if (this.#at + count > MAX_HEADER_BYTES)
      throw new GgufProblem(`its header is larger than ${MAX_HEADER_BYTES} bytes`)
  }

  #fill(count: number): void {
    const want = Math.min(Math.max(count, WINDOW_BYTES), this.#size - this.#at)
    const window = Buffer.allocUnsafe(want)
    let got = 0
    // A source may have less at hand than a whole window; only what is asked for must be there.
    while (got < count) {
      const read = this.#source.read(window.subarray(got), this.#at + got)
      if (read === 0) throw new GgufProblem('it became shorter while it was read')
      got += read
    }
    this.#window = window.subarray(0, got)
    this.#windowStart = this.#at
  }
}

/** Vocabularies of 260,000 words with their merges take about 15 MB; the cap bounds the time on a hostile file. */
export const MAX_HEADER_BYTES = 64 * 1024 * 1024

/** Large enough that a vocabulary of 50,000 words takes about ten reads. */
const WINDOW_BYTES = 128 * 1024
