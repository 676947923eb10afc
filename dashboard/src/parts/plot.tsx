/** Points and lines between 0 and 1 on both axes, as SVG. */
interface PlotProps {
  readonly label: string
  readonly x: string
  readonly y: string
  /** Shares, 0 to 1. */
  readonly points?: readonly { readonly x: number; readonly y: number; readonly size: number; readonly title: string }[]
  readonly line?: readonly (readonly [number, number])[]
  /** Where both are equal. */
  readonly hasDiagonal?: true
  /** A height that must not be passed. */
  readonly limit?: number | null
  /** Where the threshold in force stands. */
  readonly mark?: { readonly x: number; readonly y: number; readonly upper: number; readonly title: string } | null
  /** Share at the top of the axis. */
  readonly top?: number
}

const [WIDTH, HEIGHT] = [320, 220]
const M = { left: 58, right: 22, top: 10, bottom: 38 }

export function Plot({ label, x, y, points = [], line = [], hasDiagonal, limit, mark, top = 1 }: PlotProps) {
  const across = (share: number): number => M.left + share * (WIDTH - M.left - M.right)
  const up = (share: number): number => HEIGHT - M.bottom - (Math.min(share, top) / top) * (HEIGHT - M.top - M.bottom)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  return (
    <figure class="plot">
      <figcaption>{label}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {ticks.map((share) => (
          <g key={share}>
            <line class="grid" x1={M.left} x2={WIDTH - M.right} y1={up(share * top)} y2={up(share * top)} />
            <text class="tick" x={M.left - 6} y={up(share * top) + 4} text-anchor="end">
              {Math.round(share * top * 100)} %
            </text>
            <text class="tick" x={across(share)} y={HEIGHT - M.bottom + 15} text-anchor="middle">
              {share * 100} %
            </text>
          </g>
        ))}
        <text class="axis" x={(M.left + WIDTH - M.right) / 2} y={HEIGHT - 4} text-anchor="middle">
          {x}
        </text>
        <text class="axis" transform={`translate(10 ${(HEIGHT - M.bottom) / 2}) rotate(-90)`} text-anchor="middle">
          {y}
        </text>
        {hasDiagonal && <line class="diagonal" x1={across(0)} y1={up(0)} x2={across(1)} y2={up(1)} />}
        {limit !== null && limit !== undefined && (
          <line class="limit" x1={M.left} x2={WIDTH - M.right} y1={up(limit)} y2={up(limit)}>
            <title>allowed: {(limit * 100).toFixed(1)} %</title>
          </line>
        )}
        {line.length > 1 && <polyline class="curve" points={line.map(([a, b]) => `${across(a)},${up(b)}`).join(' ')} />}
        {points.map((point) => (
          <circle key={point.title} class="dot" cx={across(point.x)} cy={up(point.y)} r={point.size}>
            <title>{point.title}</title>
          </circle>
        ))}
        {mark && (
          <g class="mark">
            <title>{mark.title}</title>
            <line x1={across(mark.x)} x2={across(mark.x)} y1={up(mark.y)} y2={up(mark.upper)} />
            <circle cx={across(mark.x)} cy={up(mark.y)} r="4.5" />
          </g>
        )}
      </svg>
    </figure>
  )
}
