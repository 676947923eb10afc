/** Asks the person at the terminal, when standard input and output belong to a protocol. */
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { ReadStream, WriteStream } from 'node:tty'

/** The terminal that this process was started from, whatever its standard streams are. */
const TERMINAL = '/dev/tty'

/** @returns whether there is somebody to ask */
export function hasTerminal(): boolean {
  const descriptor = openTerminal('r')
  if (descriptor === null) return false
  closeSync(descriptor)
  return true
}

/**
 * One question after the other, each with its text above it.
 *
 * @returns a function that resolves with true for `y` or `yes`, and with false for everything else: no terminal, a signal, its end
 */
export function terminalQuestions(): (text: string, question: string, signal: AbortSignal) => Promise<boolean> {
  let before: Promise<unknown> = Promise.resolve()
  return (text, question, signal) => {
    const mine = before.then(() => ask(text, question, signal)).catch(() => false)
    before = mine
    return mine
  }
}

async function ask(text: string, question: string, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  const [reading, writing] = [openTerminal('r'), openTerminal('w')]
  if (reading === null || writing === null) return false
  const input = new ReadStream(reading)
  const output = new WriteStream(writing)
  const lines = createInterface({ input, output, terminal: false })
  try {
    output.write(`${text}\n`)
    const gone = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(question, { signal }), gone])
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    lines.close()
    input.destroy()
    output.destroy()
  }
}

function openTerminal(flags: 'r' | 'w'): number | null {
  try {
    return openSync(TERMINAL, flags)
  } catch {
    return null
  }
}

/**
 * A stranger's text as it may be shown: without characters that move the cursor, change colours or turn the direction of writing, and cut in
 * the middle where it is long.
 */
export function shownText(text: string, maxChars: number): string {
  const plain = text.replace(/\r\n?/g, '\n').replace(/[^\P{C}\n\t]/gu, '\ufffd')
  if (plain.length <= maxChars) return plain
  const half = Math.floor(maxChars / 2)
  return `${plain.slice(0, half)}\n[${plain.length - 2 * half} characters are not shown]\n${plain.slice(-half)}`
}
