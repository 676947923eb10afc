/** A course over time with axes, drawn by uPlot. The same figures stand in a table for those who do not see it. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface ChartSeries {
  readonly name: string
  readonly values: readonly (number | null)[]
  /** A custom property of the style sheet, for example `--local`. */
  readonly color: string
  readonly draw: 'line' | 'bars'
}

interface ChartProps {
  readonly label: string
  /** ISO 8601, one for each value. */
  readonly at: readonly string[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number) => string
}

const HEIGHT = 200

export function Chart({ label, at, series, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const box = place.current
    if (!box) return
    const data = [at.map((iso) => Date.parse(iso) / 1000), ...series.map(({ values }) => [...values])]
    const chart = new uPlot(optionsFor({ width: box.clientWidth, series, format }), data as uPlot.AlignedData, box)
    const watch = new ResizeObserver(() => {
      if (box.clientWidth > 0) chart.setSize({ width: box.clientWidth, height: HEIGHT })
    })
    watch.observe(box)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const redraw = (): void => chart.redraw(true, true)
    const themed = new MutationObserver(redraw)
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    dark.addEventListener('change', redraw)
    return () => {
      watch.disconnect()
      themed.disconnect()
      dark.removeEventListener('change', redraw)
      chart.destroy()
    }
  }, [at, series, format])
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div ref={place} aria-hidden="true" />
      <p class="legend">
        {series.map(({ name, color }) => (
          <span key={name} class={`key key${color.slice(1)}`}>
            {name}
          </span>
        ))}
      </p>
    </figure>
  )
}

function optionsFor({
  width,
  series,
  format,
}: Pick<ChartProps, 'series' | 'format'> & { readonly width: number }): uPlot.Options {
  const axis = {
    stroke: () => tint('--soft'),
    grid: { stroke: () => tint('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  const bars = uPlot.paths.bars?.({ size: [0.7, 24] })
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, values: (chart, values) => values.map((at) => moment(at, chart)) },
      { ...axis, size: 56, values: (_chart, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ name, color, draw }) => ({
        label: name,
        stroke: () => tint(color),
        width: draw === 'bars' ? 0 : 2,
        points: { show: false },
        spanGaps: false,
        ...(draw === 'bars' && { fill: () => tint(color), ...(bars && { paths: bars }) }),
      })),
    ],
  }
}

const TWO_DAYS_S = 2 * 86_400

/** Hours of a short span, days of a long one; 24 hours, as everywhere here. */
function moment(atS: number, { scales: { x } }: uPlot): string {
  const at = new Date(atS * 1000)
  const isLong = (x?.max ?? 0) - (x?.min ?? 0) > TWO_DAYS_S
  return isLong
    ? at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    : at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
}

function tint(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim() || 'gray'
}
