/** The part of the tar format (POSIX ustar, with GNU's large sizes) that a bundle needs: plain files, one after another. */

export interface TarFile {
  /** With `/`, relative. */
  readonly path: string
  readonly sizeBytes: number
  readonly executable: boolean
}

export interface TarEntry extends TarFile {
  /** Links, folders, devices and extension headers are `other`. */
  readonly kind: 'file' | 'other'
  /** In pieces; to be read to its end or not at all. */
  readonly body: AsyncIterable<Buffer>
}

const BLOCK = 512
/** Two empty blocks end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK)
/** 11 octal digits; larger sizes are written in base 256, as GNU tar does. */
const MAX_OCTAL = 8 ** 11 - 1

/** Zero bytes that follow a body of that size. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK)
}

/** The 512 bytes before a file's body; equal for equal files, whoever writes them and when. @throws Error for a path that does not fit */
export function tarHeader(file: TarFile): Buffer {
  const header = Buffer.alloc(BLOCK)
  const { prefix, name } = splitPath(file.path)
  header.write(name, 0, 100, 'utf8')
  header.write(file.executable ? '0000755\0' : '0000644\0', 100, 'latin1')
  header.write('0000000\0'.repeat(2), 108, 'latin1')
  if (file.sizeBytes <= MAX_OCTAL) header.write(`${file.sizeBytes.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(file.sizeBytes), 128)
  }
  header.write('00000000000\0', 136, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(prefix, 345, 155, 'utf8')
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

function splitPath(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  for (let cut = path.indexOf('/'); cut !== -1; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)]
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name }
  }
  throw new Error(`the path ${path} is too long for an archive`)
}

/** Over the header with its own field read as spaces. */
function checksum(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0)
}

/**
 * Reads an archive piece by piece. A body that nobody read is skipped.
 *
 * @throws TarProblem for an archive that is cut off or damaged
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = new ByteReader(source)
  try {
    for (;;) {
      const header = await bytes.exactly(BLOCK)
      if (header.every((byte) => byte === 0)) return
      const { sizeBytes, ...rest } = parseHeader(header)
      const body = bytes.pieces(sizeBytes)
      yield { ...rest, sizeBytes, body }
      for await (const _ of body);
      await bytes.exactly(tarPadding(sizeBytes).length)
    }
  } finally {
    // A reader that stops half-way leaves no open file behind.
    await bytes.close()
  }
}

/** Why an archive cannot be read, as the end of a sentence. */
export class TarProblem extends Error {}

function parseHeader(header: Buffer): Omit<TarEntry, 'body'> {
  const text = (from: number, length: number): string =>
    header.toString('utf8', from, from + length).split('\0', 1)[0] ?? ''
  if (text(257, 5) !== 'ustar' || Number.parseInt(text(148, 8), 8) !== checksum(header))
    throw new TarProblem('it is not a tar archive, or it is damaged')
  const large = header[124] === 0x80
  const sizeBytes = large ? Number(header.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new TarProblem('it is damaged: a file has no size')
  const prefix = text(345, 155)
  const kind = header[156] === 0x30 || header[156] === 0 ? 'file' : 'other'
  const executable = (Number.parseInt(text(100, 8), 8) & 0o100) !== 0
  return { path: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`, sizeBytes, executable, kind }
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.pieces(length)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *pieces(length: number): AsyncGenerator<Buffer> {
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0) this.#rest = await this.#next()
      const part = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(part.length)
      missing -= part.length
      yield part
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#source.next()
    if (done) throw new TarProblem('it is cut off')
    return value
  }
}
