/** How good an order of requests is for routing between two models. Pure. */

/** What both models made of one request, and how much the method thinks the frontier is needed. */
export interface Routed {
  readonly need: number
  /** 0 to 1. */
  readonly local: number
  readonly frontier: number
}

export interface RoutingMetrics {
  /** Area under performance gap recovered against share of frontier calls; random is 0.5. */
  readonly apgr: number
  /** Frontier calls in percent that recover 50, 80 and 95 % of the gap; 100 when they never do. */
  readonly cpt50: number
  readonly cpt80: number
  readonly cpt95: number
}

/**
 * Every threshold counts: requests go to the frontier in the order of need, equal needs together and in expectation. The
 * gap is that of the two models' mean scores.
 *
 * @param rows at least one, of which the frontier is better or worse on average, not equal
 * @see Ong et al. 2024, RouteLLM (2406.18665): PGR, CPT and APGR, there at eleven thresholds
 */
export function routingMetrics(rows: readonly Routed[]): RoutingMetrics {
  const curve = curveOf(rows)
  const [local, frontier] = [meanOf(rows, (row) => row.local), meanOf(rows, (row) => row.frontier)]
  const gap = frontier - local
  const area = curve.slice(1).reduce((sum, point, at) => {
    const before = curve[at] ?? point
    return sum + (point.share - before.share) * ((point.score + before.score) / 2)
  }, 0)
  const cpt = (part: number): number => 100 * crossing(curve, local + part * gap)
  return { apgr: (area - local) / gap, cpt50: cpt(0.5), cpt80: cpt(0.8), cpt95: cpt(0.95) }
}

/** The best any order can do: it knows both scores. */
export function oracleApgr(rows: readonly Routed[]): number {
  return routingMetrics(rows.map((row) => ({ ...row, need: row.frontier - row.local }))).apgr
}

/**
 * 95 % percentile interval of the APGR over resampled rows.
 *
 * @param random a number from 0 to 1
 * @see Efron 1979, Bootstrap Methods
 */
export function bootstrapApgr(rows: readonly Routed[], random: () => number, draws = 200): readonly [number, number] {
  const values = Array.from({ length: draws }, () => {
    const drawn = rows.map(() => rows[Math.floor(random() * rows.length)]).filter((row) => row !== undefined)
    return routingMetrics(drawn).apgr
  }).toSorted((a, b) => a - b)
  const at = (share: number): number => values[Math.min(draws - 1, Math.floor(share * draws))] ?? Number.NaN
  return [at(0.025), at(0.975)]
}

interface Point {
  /** Share of requests that went to the frontier, and the mean score then. */
  readonly share: number
  readonly score: number
}

function curveOf(rows: readonly Routed[]): readonly Point[] {
  const sorted = rows.toSorted((a, b) => b.need - a.need)
  let score = meanOf(rows, (row) => row.local)
  const curve: Point[] = [{ share: 0, score }]
  for (const [index, row] of sorted.entries()) {
    score += (row.frontier - row.local) / rows.length
    if (sorted[index + 1]?.need !== row.need) curve.push({ share: (index + 1) / rows.length, score })
  }
  return curve
}

/** The share at which the score first reaches the target, linear inside a block of equal needs; 1 when it never does. */
function crossing(curve: readonly Point[], target: number): number {
  for (const [at, point] of curve.entries()) {
    if (point.score < target - 1e-12) continue
    const before = curve[at - 1]
    if (!before) return 0
    const rise = point.score - before.score
    const part = rise <= 0 ? 0 : Math.min(1, Math.max(0, (target - before.score) / rise))
    return before.share + part * (point.share - before.share)
  }
  return 1
}

function meanOf(rows: readonly Routed[], of: (row: Routed) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0) / rows.length
}
