/** Hardware addresses of network cards. Pure. */
import type { PrivateSpan } from './private-span.ts'

const PAIRS = /(?<![\w:-])[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?![\w:-])/iy
const DOTTED = /(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])/iy

/** Looks only where two separators stand as far apart as in an address, so plain prose costs a search for three marks. */
export function macAddressesIn(text: string): readonly PrivateSpan[] {
  return [...foundAt(text, ':', 2, PAIRS), ...foundAt(text, '-', 2, PAIRS), ...foundAt(text, '.', 4, DOTTED)]
}

function foundAt(text: string, mark: string, digits: number, form: RegExp): readonly PrivateSpan[] {
  const found: PrivateSpan[] = []
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
    if (text[at + digits + 1] !== mark || at < digits) continue
    form.lastIndex = at - digits
    const match = form.exec(text)
    if (!match) continue
    found.push({ kind: 'mac', detector: 'mac', start: match.index, end: match.index + match[0].length })
    at = match.index + match[0].length
  }
  return found
}
