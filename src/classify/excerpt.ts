/** What a small model should read of a long log or text. Pure, deterministic, linear. */
import { stripAnsi } from './normalise.ts'

/** Lines that say what went wrong. Word parts are wanted: `AssertionError`, `BUILD FAILED`, `npm ERR!`. */
const SIGNAL =
  /error|err!|fail|fatal|panic|exception|traceback|assert|denied|unauthori[sz]ed|forbidden|refused|timed? ?out|not found|cannot|could not|unable to|undefined|unresolved|missing|mismatch|conflict|killed|segmentation|core dumped|out of memory|no space|exit (?:code|status)|exited with|expected|abort|critical|vulnerab|CVE-|✗|✖|✘|^\s*E\s/i

/** Lines that tools print while nothing is wrong. */
const PROGRESS =
  /^\s*(?:$|\d{1,3}(?:\.\d+)?%|[#=>.\-_*~\s]{3,}$|(?:down|up)load(?:ing|ed)\b|fetch(?:ing|ed)?\b|get:\d|hit:\d|collecting\b|requirement already|using cached|compiling \S+ v|unpacking\b|selecting previously|preparing to unpack|resolving\b|receiving objects|counting objects|remote: (?:counting|compressing|enumerating)|extracting\b|pulling fs layer|waiting$|cached$|progress\b|> task :\S+(?: up-to-date| from-cache| no-source)?$|\[\s*\d+%\] building|refreshing state|\[info\] (?:copying|download))/i

/** A leading clock or date, with brackets or without; it tells a small model nothing and costs it tokens. */
const TIMESTAMP =
  /^\s*\[?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?\s*[|:-]?\s*/

/** The last lines tell how it ended, whatever their words. */
const TAIL_LINES = 6

/** A minified file or a data dump on one line must not crowd out the rest. */
const MAX_LINE_CHARS = 400

const GAP = '…'

/**
 * Short texts pass unchanged. Of longer ones it keeps, in their order, the last lines, then lines that carry signal with
 * later ones first, then the line after each, then the first line, then whatever is not progress noise, until the space is
 * used; `…` stands for what is left out. ANSI codes and leading timestamps are dropped.
 *
 * @param maxChars the most characters of the result (UTF-16 units), at least 1
 */
export function excerptForDecision(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const lines = cleanLines(text)
  const kept = new Set<number>()
  let left = maxChars
  for (const index of byImportance(lines)) {
    const cost = (lines[index]?.length ?? 0) + 1 + GAP.length + 1
    if (kept.has(index) || cost > left) continue
    kept.add(index)
    left -= cost
  }
  if (kept.size === 0) return text.slice(-maxChars)
  return join(lines, kept).slice(0, maxChars)
}

function cleanLines(text: string): readonly string[] {
  const lines = stripAnsi(text)
    .split(/\r\n|\n|\r/)
    .map((line) => cut(line.replace(TIMESTAMP, '').trimEnd()))
  return lines.filter((line, index) => line.trim() !== '' && line !== lines[index - 1])
}

function cut(line: string): string {
  if (line.length <= MAX_LINE_CHARS) return line
  return `${line.slice(0, MAX_LINE_CHARS / 2)} ${GAP} ${line.slice(-MAX_LINE_CHARS / 2 + 3)}`
}

/** Line numbers, most telling first. Every line but progress stands in it at least once. */
function byImportance(lines: readonly string[]): readonly number[] {
  const all = lines.map((_, index) => index)
  const isProgress = (index: number): boolean => PROGRESS.test(lines[index] ?? '')
  const signal = all.filter((index) => SIGNAL.test(lines[index] ?? '') && !isProgress(index)).reverse()
  const tail = all.slice(-TAIL_LINES).reverse()
  const after = signal.map((index) => index + 1).filter((index) => index < lines.length && !isProgress(index))
  const rest = all.filter((index) => !isProgress(index)).reverse()
  return [...tail, ...signal, ...after, 0, ...rest]
}

function join(lines: readonly string[], kept: ReadonlySet<number>): string {
  const parts: string[] = []
  let previous = -1
  for (const index of [...kept].sort((a, b) => a - b)) {
    if (index > previous + 1) parts.push(GAP)
    parts.push(lines[index] ?? '')
    previous = index
  }
  return parts.join('\n')
}
