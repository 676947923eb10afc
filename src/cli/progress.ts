/** How far a download, an installation or an evaluation is: a bar on a terminal, one line a step elsewhere. */
import type { Terminal } from './terminal.ts'

/** One report; `total` is null when the source does not say how much comes. */
export interface Progress {
  /** What is going on, for people. */
  readonly label: string
  readonly received: number | null
  readonly total: number | null
  /** What is counted; bytes when absent. */
  readonly unit?: 'bytes' | 'rows'
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
export function barText({ label, received, total, unit = 'bytes' }: Progress): string {
  if (received === null) return label
  const amount = (value: number): string => (unit === 'bytes' ? (value / MEGABYTE).toFixed(0) : String(value))
  const name = unit === 'bytes' ? 'MB' : unit
  if (!total) return `${label}  ${amount(received)} ${name}`
  const share = Math.min(1, received / total)
  const full = Math.round(share * BAR_CELLS)
  const bar = `${'#'.repeat(full)}${'-'.repeat(BAR_CELLS - full)}`
  return `${label}  [${bar}]  ${Math.round(share * 100)} %  ${amount(received)} of ${amount(total)} ${name}`
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
