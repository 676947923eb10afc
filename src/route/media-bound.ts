/** How many tokens an image, a sound or a file can be at most, whatever its bytes in base64. Pure. */
import { imageSize } from '../spec/image-size.ts'

/** Who counts. */
export interface Counter {
  /** As in the policy. */
  readonly provider: string
  /** The model id at the provider. */
  readonly model: string
}

/** Tokens; `window` where nothing but the model's context window bounds them. */
export type MediaBound = number | 'window'

/** The Messages API: squares of 28 pixels, 4784 at most for the models that see finest. */
const CLAUDE = { side: 28, most: 4784 }
/** Models of OpenAI that count squares of 32 pixels take up to 2.46 tokens each, and 1536 of them, 10,000 with `detail: original`. */
const SQUARES = { side: 32, most: 1536, mostOriginal: 10_000, tokensEach: 2.46 }
/** Those that count tiles of 512 pixels come to 85 + 8 × 170 tokens, and a fifth more is billed for some. */
const MOST_OF_TILES = 1734
/** `gpt-4o-mini` takes the most for an image of all models that publish a figure: this, and so much for each of up to 8 tiles. */
const DEAREST = { base: 2833, tile: 5667, tiles: 8 }
const KNOWN = /^(openai\/)?(gpt-4o(?!-mini)|chatgpt-4o|gpt-4\.|gpt-4-|gpt-[5-9]|o[1-9])/

/** @param base64 null for an image elsewhere: it is as large as one can be */
export function imageBound(base64: string | null, detail: unknown, { provider, model }: Counter): number {
  const size = base64 === null ? null : imageSize(base64)
  const squares = (side: number): number =>
    size === null ? Number.POSITIVE_INFINITY : Math.ceil(size.width / side) * Math.ceil(size.height / side)
  if (provider === 'anthropic') return Math.min(squares(CLAUDE.side), CLAUDE.most)
  if (KNOWN.test(model)) {
    const most = detail === 'original' ? SQUARES.mostOriginal : SQUARES.most
    return Math.max(MOST_OF_TILES, Math.ceil(SQUARES.tokensEach * Math.min(squares(SQUARES.side), most)))
  }
  return DEAREST.base + DEAREST.tile * (size === null ? DEAREST.tiles : tilesOf(size))
}

/** Shrunk into a square of 2048, then to 768 on its shorter side; what is smaller stays as it is. */
function tilesOf({ width, height }: { readonly width: number; readonly height: number }): number {
  const into = Math.min(1, 2048 / Math.max(width, height))
  const shorter = into * Math.min(width, height)
  const scale = into * Math.min(1, 768 / shorter)
  return Math.min(DEAREST.tiles, Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512))
}

/** The most tokens that a provider documents for a second of sound; others take 10. */
const TOKENS_PER_SECOND = 32
/** The fewest bytes that a second takes: MP3 at 8 kbit/s, 4-bit samples at 8 kHz; of other formats, Opus at 6 kbit/s. */
const LEAST_BYTES_PER_SECOND: Readonly<Record<string, number>> = { mp3: 1000, wav: 4000 }
const LEAST_OF_OTHERS = 750

/** Sound that stands in the request. */
export function audioBound(base64: string, format: unknown): number {
  const least = LEAST_BYTES_PER_SECOND[String(format)] ?? LEAST_OF_OTHERS
  return Math.ceil((bytesOf(base64) / least) * TOKENS_PER_SECOND)
}

/** A file that stands in the request: of plain text no more tokens than bytes; what is packed can hold any length of text. */
export function fileBound(base64: string, mediaType: string): MediaBound {
  return mediaType.startsWith('text/') ? bytesOf(base64) : 'window'
}

/** `data:<type>;base64,<data>`; null for an address. Nothing of a long text is copied that is not asked for. */
export function dataUrl(url: string): { readonly mediaType: string; readonly base64: string } | null {
  if (!url.startsWith('data:')) return null
  const comma = url.indexOf(',')
  const [mediaType = ''] = url.slice(5, comma < 0 ? 5 : comma).split(';')
  return { mediaType: mediaType.toLowerCase(), base64: url.slice(comma + 1) }
}

function bytesOf(base64: string): number {
  return Math.ceil((base64.length * 3) / 4)
}
