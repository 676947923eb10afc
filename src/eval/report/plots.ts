/** Plots as SVG text, without any script or font of their own. Pure. */

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly draw: 'line' | 'dots' | 'dashes'
}

export interface Plot {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

export interface Axis {
  readonly label: string
  readonly from: number
  readonly to: number
  readonly format: (value: number) => string
}

const [WIDTH, HEIGHT] = [420, 300]
const MARGIN = { left: 62, right: 14, top: 12, bottom: 46 }
const TICKS = 4

/** @returns one `<svg>` element whose colours come from the page: classes `series-0` and so on */
export function svgPlot({ title, x, y, series }: Plot): string {
  const across = scale(x, MARGIN.left, WIDTH - MARGIN.right)
  const up = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top)
  const shapes = series.map(({ draw, points, name }, index) => {
    const places = points.map(([a, b]) => [across(a), up(b)] as const)
    const label = `<title>${escaped(name)}</title>`
    if (draw === 'dots')
      return places
        .map(([a, b]) => `<circle class="series-${index}" cx="${a}" cy="${b}" r="3.5">${label}</circle>`)
        .join('')
    const dash = draw === 'dashes' ? ' stroke-dasharray="4 4"' : ''
    return `<polyline class="series-${index}" fill="none"${dash} points="${places.map((place) => place.join(',')).join(' ')}">${label}</polyline>`
  })
  return [
    `<figure><figcaption>${escaped(title)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    ...ticks(x).map((value) =>
      gridLine({ x1: across(value), x2: across(value), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
    ),
    ...ticks(y).map((value) => gridLine({ x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: up(value), y2: up(value) })),
    ...ticks(x).map((value) => text(across(value), HEIGHT - MARGIN.bottom + 16, 'middle', x.format(value))),
    ...ticks(y).map((value) => text(MARGIN.left - 6, up(value) + 4, 'end', y.format(value))),
    text((MARGIN.left + WIDTH) / 2, HEIGHT - 8, 'middle', x.label),
    `<text transform="translate(13 ${HEIGHT / 2 - 10}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`,
    ...shapes,
    '</svg>',
    `<p class="legend">${series.map(({ name }, index) => `<span class="key-${index}">${escaped(name)}</span>`).join(' ')}</p></figure>`,
  ].join('\n')
}

/** @returns text that is safe in HTML content and in quoted attributes */
export function escaped(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function scale({ from, to }: Axis, start: number, end: number): (value: number) => number {
  const span = to - from || 1
  return (value) => Number((start + ((Math.min(to, Math.max(from, value)) - from) / span) * (end - start)).toFixed(1))
}

function ticks({ from, to }: Axis): readonly number[] {
  return Array.from({ length: TICKS + 1 }, (_, at) => from + (at * (to - from)) / TICKS)
}

function gridLine({ x1, x2, y1, y2 }: Readonly<Record<'x1' | 'x2' | 'y1' | 'y2', number>>): string {
  return `<line class="grid" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`
}

function text(x: number, y: number, anchor: 'middle' | 'end', content: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`
}
