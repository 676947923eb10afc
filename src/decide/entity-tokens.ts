/** Words and marks of a text with their places, and what their spelling says. */
export interface NameToken {
  readonly text: string
  readonly lower: string
  /** UTF-16 offsets, `end` exclusive. */
  readonly start: number
  readonly end: number
  /** Letters or digits; else a mark. */
  readonly word: boolean
  /** Written with a capital, or with one inside ("iPod", "6PR"). */
  readonly capital: boolean
  /** The first word of a sentence, a line or a quotation, where a capital says nothing. */
  readonly opensSentence: boolean
}

/** A word with its inner marks (O'Neill, AT&T, J., U.S., well-known), or one other mark. */
const TOKEN =
  /['’]s(?!\p{L})|(?:\p{Lu}\.){2,}|(?:Jr|Sr|St|Mr|Mrs|Ms|Dr|Mt|Ft|Gen|Col|Capt|Lt|Sgt|Rev|Inc|Ltd|Co|Corp|No|Vol)\.|\p{Lu}\.(?=\s*\p{Lu})|[\p{L}\p{N}]+(?:[&'’.\-/][\p{L}\p{N}]+)*|\S/gu

/** Ends of words that belong to the grammar, not to the name. */
const POSSESSIVE = /['’]s$/u

export function nameTokens(text: string): readonly NameToken[] {
  const tokens: NameToken[] = []
  let opens = true
  for (const match of text.matchAll(TOKEN)) {
    const whole = match[0]
    const bare = whole.replace(POSSESSIVE, '')
    const word = /[\p{L}\p{N}]/u.test(bare)
    const start = match.index
    if (word || whole.trim() !== '') {
      const between = tokens.length === 0 ? '' : text.slice(tokens.at(-1)?.end ?? 0, start)
      tokens.push({
        text: bare,
        lower: bare.toLowerCase(),
        start,
        end: start + bare.length,
        word,
        capital: word && isCapitalised(bare),
        opensSentence: word && (opens || between.includes('\n')),
      })
    }
    // After the end of a sentence, an opening mark or a bullet the next capital may be there for its place alone.
    opens = /^(?:[.!?:;]|"|“|``|[-–—*•(])$/u.test(whole) ? opens || !/^[(\-–—]$/u.test(whole) : opens && !word
  }
  return tokens
}

function isCapitalised(word: string): boolean {
  return /^\p{Lu}/u.test(word) || /^[\p{Ll}\p{N}][^-\s]*\p{Lu}/u.test(word)
}
