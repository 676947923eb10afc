/** One reading of a text that spelling tricks cannot change. Used for matching only; never shown, stored or sent. */

const ESCAPE = String.fromCharCode(0x1b)
const CSI = String.fromCharCode(0x9b)

/** ECMA-48 control sequences (colours, cursor), with bounded parameters, and hyperlinks / titles (OSC) of one line. */
const ANSI = new RegExp(
  `(?:${ESCAPE}\\[|${CSI})[0-9;:<=>?]{0,40}[ -/]{0,4}[@-~]|${ESCAPE}\\][^${ESCAPE}${String.fromCharCode(7)}\\n]{0,2000}(?:${String.fromCharCode(7)}|${ESCAPE}\\\\)`,
  'g',
)

/** Zero-width, bidirectional, soft hyphen, variation selector and tag characters: Unicode calls them default ignorable. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/** Controls that are not white space; a stray escape is one of them. */
const CONTROL = /(?!\s)\p{Cc}/gu

/** Accents come off, so that an added accent hides nothing and `Zugriff für` equals `Zugriff fur`. */
const ACCENT = /[\u0300-\u036f]/g

const FOREIGN_LETTER = /[\u0370-\u03ff\u0400-\u052f]/
const WORD = /\p{L}+/gu

/** Letters that look Latin, lower case. Unicode TR39 confusables, Cyrillic and Greek only. */
export const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  [
    ['авеԁһіјкӏмнорԛѕтуԝхгп', 'abedhijklmhopqstywxrn'],
    ['αβεηικνορτυχγζω', 'abenikvoptuxyzw'],
    ['сϲ', 'cc'],
  ].flatMap(([foreign = '', latin = '']) =>
    [...foreign].map((letter, index) => [letter, latin.charAt(index)] as const),
  ),
)

/**
 * Folds a text for matching: NFKC, lower case, no accents, no invisible characters, no ANSI codes, letters of other
 * alphabets that look Latin made Latin, runs of white space made one space or one line break. Linear in the text;
 * idempotent; at most 18 times as long (the longest NFKC expansion of one character).
 */
export function normalise(text: string): string {
  if (PLAIN.test(text)) return (UNEVEN.test(text) ? text.replace(/\s+/g, lineOrSpace) : text).toLowerCase().trim()
  const plain = stripAnsi(text.replace(INVISIBLE, '')).replace(CONTROL, '')
  const folded = foldCase(plain).replace(INVISIBLE, '')
  return latinise(folded).replace(/\s+/g, lineOrSpace).trim()
}

/** Printable ASCII and white space, of which most texts are: there only case and white space can differ. */
const PLAIN = /^[\t\n\r\x20-\x7e]*$/
/** White space other than single spaces and line breaks. */
const UNEVEN = /[\t\r]|\s\s/

/** Removes terminal control sequences and nothing else. */
export function stripAnsi(text: string): string {
  return text.includes(ESCAPE) || text.includes(CSI) ? text.replace(ANSI, '') : text
}

/** Lower-casing can produce accents and compatibility characters, and decomposing can produce capitals; hence twice. */
function foldCase(text: string): string {
  const once = text.normalize('NFKC').toLowerCase().normalize('NFKD').replace(ACCENT, '')
  const twice = once.toLowerCase().normalize('NFKD').replace(ACCENT, '')
  return twice.replaceAll('ß', 'ss').replaceAll('ς', 'σ').replaceAll('ı', 'i').normalize('NFKC')
}

function lineOrSpace(run: string): string {
  return /[\n\r\u2028\u2029]/.test(run) ? '\n' : ' '
}

/**
 * Words that mix Latin with look-alikes become Latin. Words made of look-alikes alone do so only in a text that is
 * mostly Latin: in a Russian text `сор` is a word.
 */
function latinise(text: string): string {
  if (!FOREIGN_LETTER.test(text)) return text
  const mixedFolded = text.replace(WORD, (word) =>
    /[a-z]/.test(word) && FOREIGN_LETTER.test(word) ? foldLetters(word) : word,
  )
  if (!isMostlyLatin(mixedFolded)) return mixedFolded
  return mixedFolded.replace(WORD, (word) =>
    [...word].every((letter) => LOOKALIKES.has(letter)) ? foldLetters(word) : word,
  )
}

function foldLetters(word: string): string {
  return [...word].map((letter) => LOOKALIKES.get(letter) ?? letter).join('')
}

function isMostlyLatin(text: string): boolean {
  const latin = text.match(/[a-z]/g)?.length ?? 0
  const foreign = text.match(/[\u0370-\u03ff\u0400-\u052f]/g)?.length ?? 0
  return latin > foreign
}
