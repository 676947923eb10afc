/** Closed sets of answers that an instruction lists, in whatever language it is written. Pure. */

export interface LabelSet {
  readonly labels: readonly string[]
  /** Letters or numbers that stand before the lines; null where there are none. */
  readonly marks: readonly string[] | null
  /** What the instruction says of a label; empty where it says nothing. */
  readonly descriptions: Readonly<Record<string, string>>
  /** How it stands there: `lines` one a line, `listed` behind a colon, `quoted` or `bars` in a row. */
  readonly form: 'lines' | 'listed' | 'quoted' | 'bars'
  /** The words before it in its sentence or line, for what kind of list it is. */
  readonly lead: string
  /** Where it begins, and how long it is. */
  readonly at: number
  readonly length: number
}

const MOST_LABELS = 64
const MOST_WORDS = 4
const MOST_CHARS = 40

const OR =
  'or|and|oder|und|ou|et|u|y|o|e|ed|of|en|eller|och|og|lub|albo|i|nebo|a|veya|ve|или|либо|и|або|та|או|أو|و|または|或|或者|和'
const SEPARATOR = new RegExp(
  `\\s*[,;|·•、，；]\\s*(?:(?:${OR})\\s+)?|\\s+(?:${OR})\\s+|\\s*(?:または|或者|或|和)\\s*`,
  'iu',
)
const QUOTE = '["\'`“”„«»‘’「」『』]'

/** All lists of short names in a text, those that say more first. */
export function findLabelSets(text: string): readonly LabelSet[] {
  const lined = linedSets(text)
  // What stands behind the colon above lines is the first of them, and no list of its own.
  const others = [...listedSets(text), ...quotedSets(text), ...barSets(text)].filter(
    ({ at, form }) => form === 'quoted' || !lined.some((set) => at >= set.at && at < set.at + set.length),
  )
  const found = [...lined, ...others]
  const seen = new Set<string>()
  return found.filter(({ labels }) => {
    const key = keyOf(labels)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The same for texts that list the same names, and empty for those that list none. */
export function labelKey(text: string): string {
  return findLabelSets(text)
    .map(({ labels }) => keyOf(labels))
    .join('\n')
}

function keyOf(labels: readonly string[]): string {
  return labels
    .map((label) => label.toLowerCase())
    .toSorted()
    .join('|')
}

const LINE =
  /^[ \t]*(?:[-*•–‣▪]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])?[ \t]*(?:\*\*|`|"|'|“|„|«|\[)?([\p{L}\p{N}_][\p{L}\p{N}_/&+.' -]{0,39}?)(?:\*\*|`|"|'|”|“|»|\])?[ \t]*(?:(?:[:：=→]|(?<=[ \t])[-–—]{1,2}>?(?=[ \t])|\()[ \t]*(\S.*))?$/u
const MARK = /^[ \t]*(?:[-*•–‣▪]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])[ \t]+/

/** Lines of one form below each other: `- billing: invoices and payments`. */
function linedSets(text: string): readonly LabelSet[] {
  const sets: LabelSet[] = []
  let block: (LineEntry & { readonly at: number })[] = []
  let lead = ''
  let at = 0
  const close = (): void => {
    const end = at
    // A lone word in a line of its own is a heading, or a text, unless a mark or a description says otherwise.
    const isList = block.length >= 2 && block.every((one) => one.isMarked || one.description !== '')
    const marks = block.map(({ mark }) => mark).filter((mark) => mark !== null)
    const named = {
      marks: marks.length === block.length ? marks : null,
      lead,
      at: block[0]?.at ?? 0,
      length: end - (block[0]?.at ?? 0),
    }
    if (isList) sets.push(setOf(block, { form: 'lines', ...named }))
    block = []
  }
  for (const line of text.split('\n')) {
    const entry = lineEntry(line)
    if (entry) block.push({ ...entry, at })
    else if (line.trim() === '' && block.length > 0) close()
    else if (line.trim() !== '') {
      close()
      lead = line
    }
    at += line.length + 1
  }
  close()
  return sets.filter(({ labels }) => isPlausible(labels))
}

interface LineEntry {
  readonly label: string
  readonly description: string
  readonly isMarked: boolean
  readonly mark: string | null
}

function lineEntry(line: string): LineEntry | null {
  const match = LINE.exec(line.trimEnd())
  const label = match?.[1]?.trim() ?? ''
  const isMarked = MARK.test(line)
  const description = match?.[2]?.trim() ?? ''
  if (!match || !isLabel(label) || (!isMarked && description === '')) return null
  return { label, description, isMarked, mark: /^[ \t]*\(?(\d{1,2}|[a-zA-Z])[.)]/.exec(line)?.[1] ?? null }
}

/** Behind a colon: `Categories: build (compile, lint), test (a test failed)`; without a colon behind words that announce a choice. */
function listedSets(text: string): readonly LabelSet[] {
  const plain = text.replace(/\(([^()]{0,160})\)/g, (inside) => BRACKETED.repeat(inside.length))
  const sets: LabelSet[] = []
  for (const match of plain.matchAll(/[:：]\s*([^\n:：]{3,1200}?)(?=[.。!?！？](?:\s|$)|\n|$)/gu)) {
    const body = match[1] ?? ''
    const from = match.index + match[0].indexOf(body)
    const items = splitItems(text.slice(from, from + body.length), body)
    if (items)
      sets.push(setOf(items, { form: 'listed', lead: leadOf(text, match.index), at: from, length: body.length }))
  }
  for (const match of plain.matchAll(ANNOUNCED)) {
    const body = match[1] ?? ''
    const from = match.index + match[0].length - body.length
    const items = splitItems(text.slice(from, from + body.length), body)
    if (items)
      sets.push(setOf(items, { form: 'listed', lead: text.slice(match.index, from), at: from, length: body.length }))
  }
  return sets.filter(({ labels }) => isPlausible(labels))
}

/** "classify it as bug, feature or question", "answer with A, B or C". */
const ANNOUNCED =
  /(?:\b(?:as|into|with|only|either|between|one of|als|in|mit|entweder|comme|par|soit|parmi|entre|como|con|entre|come|tra|fra|met|als|jako|som)\b|として|为)\s+(?:either |one of |entweder |soit )?([^\n.:：!?。]{3,300}?)(?=[.。!?！？](?:\s|$)|\n|$)/giu

/** Stands for every character in brackets: no space, no comma. */
const BRACKETED = '\u0001'

/** @param plain the same text with what stands in brackets blanked, so that commas in it divide nothing */
function splitItems(text: string, plain: string): readonly { label: string; description: string }[] | null {
  const items: { label: string; description: string }[] = []
  let from = 0
  const take = (to: number): void => {
    const whole = text.slice(from, to)
    const label = bare(plain.slice(from, to).replaceAll(BRACKETED, ''))
    if (label !== '') items.push({ label, description: /\(([^()]+)\)/.exec(whole)?.[1] ?? '' })
  }
  const separators = [...plain.matchAll(new RegExp(SEPARATOR, 'giu'))]
  for (const match of separators) {
    take(match.index)
    from = match.index + match[0].length
  }
  take(plain.length)
  if (items.length >= 2) return items.every(({ label }) => isLabel(label)) ? items : null
  // Names with spaces between them alone: only where each is one plain word and there are several.
  const words = plain.trim().split(/\s+/)
  const isRow = separators.length === 0 && words.length >= 4 && words.every((word) => /^[a-z][a-z_-]{1,15}$/.test(word))
  return isRow ? words.map((label) => ({ label, description: '' })) : null
}

const ITEM = `${QUOTE}([^"'\`“”„«»‘’「」『』\\n]{1,40})${QUOTE}`

/** `"positive", "negative" or "neutral"`. */
function quotedSets(text: string): readonly LabelSet[] {
  const row = new RegExp(
    `${ITEM}(?:(?:\\s*[,;/、，]?\\s*(?:(?:${OR})\\s+)?|\\s+(?:${OR})\\s+|\\s*(?:または|或者|或|和|、)\\s*)${ITEM}){1,63}`,
    'giu',
  )
  return [...text.matchAll(row)]
    .map((match) => {
      const labels = [...match[0].matchAll(new RegExp(ITEM, 'gu'))].map(([, label = '']) => ({
        label: label.trim(),
        description: '',
      }))
      return setOf(labels, {
        form: 'quoted',
        lead: leadOf(text, match.index),
        at: match.index,
        length: match[0].length,
      })
    })
    .filter(({ labels }) => isPlausible(labels) && labels.every(isLabel))
}

/** `low|medium|high`, `spam/ham`. */
function barSets(text: string): readonly LabelSet[] {
  const row =
    /(?<![\p{L}\p{N}/|:.\\-])[\p{L}\p{N}_-]{1,24}(?:\s?[|/]\s?[\p{L}\p{N}_-]{1,24}){1,31}(?![\p{L}\p{N}/|:\\(])/gu
  return [...text.matchAll(row)]
    .filter(
      ([found]) =>
        /[|]/.test(found) ||
        !/\d\/\d|^[A-Z]{1,4}\/[A-Z]{1,4}$|\b(?:and\/or|und\/oder|et\/ou|y\/o|e\/o|I\/O)\b/i.test(found),
    )
    .map((match) => {
      const labels = match[0].split(/\s?[|/]\s?/).map((label) => ({ label, description: '' }))
      return setOf(labels, { form: 'bars', lead: leadOf(text, match.index), at: match.index, length: match[0].length })
    })
    .filter(({ labels }) => isPlausible(labels))
}

function setOf(
  items: readonly { readonly label: string; readonly description?: string }[],
  from: Pick<LabelSet, 'form' | 'lead' | 'at' | 'length'> & Partial<Pick<LabelSet, 'marks'>>,
): LabelSet {
  const described = items.filter(({ description }) => description !== undefined && description !== '')
  return {
    labels: [...new Set(items.map(({ label }) => label))],
    marks: null,
    descriptions: Object.fromEntries(described.map(({ label, description = '' }) => [label, description])),
    ...from,
  }
}

function leadOf(text: string, at: number): string {
  return /[^.\n!?。]*$/u.exec(text.slice(Math.max(0, at - 200), at))?.[0] ?? ''
}

function bare(text: string): string {
  return text
    .trim()
    .replace(new RegExp(`^(?:(?:${OR}|either|entweder|soit|the|a|an)\\s+)?${QUOTE}?`, 'iu'), '')
    .replace(new RegExp(`${QUOTE}?[.。]?$`, 'u'), '')
    .trim()
}

function isLabel(text: string): boolean {
  return (
    text !== '' &&
    text.length <= MOST_CHARS &&
    text.split(/\s+/).length <= MOST_WORDS &&
    !/[{}<>()[\]]| [-–—] /.test(text)
  )
}

function isPlausible(labels: readonly string[]): boolean {
  return labels.length >= 2 && labels.length <= MOST_LABELS && !labels.every((label) => /^[\d.]+$/.test(label))
}
