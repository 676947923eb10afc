/** How far a download or an installation is: a bar on a terminal, one line a step elsewhere. */
import type { Terminal } from './terminal.ts'

/** One report; `totalBytes` is null when the source does not say how much comes. */
export interface Progress {
  /** What is going on, for people. */
  readonly label: string
  readonly receivedBytes: number | null
  readonly totalBytes: number | null
}

export interface ProgressView {
  show(progress: Progress): void
  /** Leaves the last state on the screen and ends the line. */
  end(): void
}

const BAR_CELLS = 24
const REDRAW_MS = 100 // Ten times a second looks smooth and costs nothing.
const MEGABYTE = 1_000_000

/** A view on stderr. */
export function progressView(
  terminal: Terminal,
  style: 'bar' | 'lines' = process.stderr.isTTY ? 'bar' : 'lines',
): ProgressView {
  return style === 'bar' ? barView() : lineView(terminal)
}

/** `model  [############------------]  52 %  51 of 98 MB` */
export function barText(progress: Progress): string {
  const { label, receivedBytes, totalBytes } = progress
  if (receivedBytes === null) return label
  const received = `${(receivedBytes / MEGABYTE).toFixed(0)}`
  if (!totalBytes) return `${label}  ${received} MB`
  const share = Math.min(1, receivedBytes / totalBytes)
  const full = Math.round(share * BAR_CELLS)
  const bar = `${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}`
  return `${label}  [${bar}]  ${Math.round(share * 100)} %  ${received} of ${(totalBytes / MEGABYTE).toFixed(0)} MB`
}

function barView(): ProgressView {
  let drawnAt = 0
  let latest: string | null = null
  const draw = (text: string): void =>
    void process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 100) - 1)}`)
  return {
    show: (progress) => {
      latest = barText(progress)
      if (performance.now() - drawnAt < REDRAW_MS) return
      drawnAt = performance.now()
      draw(latest)
    },
    end: () => {
      if (latest === null) return
      draw(latest)
      process.stderr.write('\n')
      latest = null
    },
  }
}

/** Logs get one line per step, not one per packet. */
function lineView(terminal: Terminal): ProgressView {
  let said: string | null = null
  return {
    show: ({ label }) => {
      if (label === said) return
      said = label
      terminal.say(label)
    },
    end: () => {
      said = null
    },
  }
}
