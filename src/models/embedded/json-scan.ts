/** Which text may go on inside a JSON leaf that is written token by token. Pure. */

/** What of an offered text belongs to the leaf. */
export interface Piece {
  /** JSON text to be written. */
  readonly text: string
  /** The leaf ends after it; what follows in the offered text belongs to nobody. */
  readonly ends: boolean
}

/** One leaf while it is written. */
export interface LeafScan {
  /** Null when the text cannot go on here. Offering changes nothing. */
  offer(text: string): Piece | null
  /** Takes a piece that was offered and did not end the leaf. */
  take(piece: Piece): void
  /** Texts of which one can always go on: they are read even when the model finds them improbable. */
  readonly fallbacks: readonly string[]
}

/**
 * The inside of a JSON string, up to its closing quote (which is not part of a piece). Control characters cannot be
 * written, and a backslash only begins an escape of RFC 8259.
 */
export class StringScan implements LeafScan {
  readonly fallbacks = ['"', '\\', 'n', '0', ' ', 'a']
  readonly #minLength: number
  readonly #maxLength: number
  #length = 0
  /** The escape that is not complete yet. */
  #open = ''

  /** Lengths in code points of the value, an escape counting one. */
  constructor(limits: { readonly minLength: number; readonly maxLength: number }) {
    this.#minLength = limits.minLength
    this.#maxLength = limits.maxLength
  }

  /** No character fits any more. */
  get isFull(): boolean {
    return this.#length >= this.#maxLength && this.#open === ''
  }

  offer(text: string): Piece | null {
    return this.#walk(text).piece
  }

  take(piece: Piece): void {
    const { length, open } = this.#walk(piece.text)
    this.#length = length
    this.#open = open
  }

  #walk(text: string): { readonly piece: Piece | null; readonly length: number; readonly open: string } {
    let length = this.#length
    let open = this.#open
    let taken = ''
    for (const character of text) {
      if (open === '' && character === '"') {
        return { piece: length < this.#minLength ? null : { text: taken, ends: true }, length, open }
      }
      const next = nextEscape(open, character)
      if (next === null) return { piece: null, length, open }
      open = next
      taken += character
      if (open === '') length += 1
      if (length + (open === '' ? 0 : 1) > this.#maxLength) return { piece: null, length, open }
    }
    return { piece: text === '' ? null : { text, ends: false }, length, open }
  }
}

/** The escape that is open after the character, '' for none; null when the character cannot stand here. */
function nextEscape(open: string, character: string): string | null {
  if (open === '') return character === '\\' ? '\\' : character < ' ' ? null : ''
  if (open === '\\') return character === 'u' ? '\\u' : '"\\/bfnrt'.includes(character) ? '' : null
  if (!/[0-9a-fA-F]/.test(character)) return null
  return open.length === 5 ? '' : open + character
}

/** A JSON number after an optional space, up to what delimits it. The number of digits is bounded, so it always ends. */
export class NumberScan implements LeafScan {
  readonly fallbacks = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', ' ', ',', '}', ']']
  readonly #integer: boolean
  readonly #negative: boolean
  #text = ''

  constructor(kind: { readonly integer: boolean; readonly negative: boolean }) {
    this.#integer = kind.integer
    this.#negative = kind.negative
  }

  offer(text: string): Piece | null {
    let written = this.#text
    let taken = ''
    for (const character of text) {
      const isSpace = character === ' ' && written === ''
      if (!isSpace && !this.#isBeginning(digitsOf(written + character))) {
        return COMPLETE.test(digitsOf(written)) && DELIMITER.test(character) ? { text: taken, ends: true } : null
      }
      written += character
      taken += character
    }
    return text === '' ? null : { text, ends: false }
  }

  take(piece: Piece): void {
    this.#text += piece.text
  }

  #isBeginning(text: string): boolean {
    if (text.startsWith('-') && !this.#negative) return false
    return this.#integer ? INTEGER_BEGINNING.test(text) : NUMBER_BEGINNING.test(text)
  }
}

/** Without the space that may stand before a number. */
function digitsOf(text: string): string {
  return text.startsWith(' ') ? text.slice(1) : text
}

/** Doubles hold every integer of 15 digits exactly, and no more than 17 digits of any number. */
const INTEGER_BEGINNING = /^-?(?:0|[1-9]\d{0,14})?$/
const NUMBER_BEGINNING = /^-?(?:(?:0|[1-9]\d{0,14})(?:\.\d{0,16}|(?:\.\d{1,16})?[eE][+-]?\d{0,2})?)?$/
const COMPLETE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const DELIMITER = /[\s,}\]]/
