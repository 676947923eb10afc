/** The course of one figure, small. What it shows stands beside it in words. */
interface SparklineProps {
  /** Null where there is nothing: the line has a gap there. */
  readonly values: readonly (number | null)[]
  readonly label: string
}

const [WIDTH, HEIGHT] = [160, 36]
const PAD = 3

export function Sparkline({ values, label }: SparklineProps) {
  const known = values.filter((value): value is number => value !== null)
  if (known.length === 0) return <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const across = (at: number): number => PAD + (at / Math.max(1, values.length - 1)) * (WIDTH - 2 * PAD)
  const up = (value: number): number =>
    high === low ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) / (high - low)) * (HEIGHT - 2 * PAD)
  const points = values.flatMap((value, at) =>
    value === null ? [] : [`${across(at).toFixed(1)},${up(value).toFixed(1)}`],
  )
  const last = values.findLastIndex((value) => value !== null)
  const end = values[last] ?? low
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="xMinYMid" role="img" aria-label={label}>
      {points.length > 1 && (
        <>
          <polygon
            class="spark-area"
            points={`${across(values.findIndex((value) => value !== null)).toFixed(1)},${HEIGHT} ${points.join(' ')} ${across(last).toFixed(1)},${HEIGHT}`}
          />
          <polyline class="spark-line" points={points.join(' ')} />
        </>
      )}
      <circle class="spark-end" cx={across(last)} cy={up(end)} r="2.5" />
    </svg>
  )
}
