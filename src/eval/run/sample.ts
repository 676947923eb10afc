import { randomFrom } from '../../learn/random.ts'

/** @returns `limit` rows in the order in which the seed draws them: with a smaller limit the first of the same rows */
export function drawn<Row>(rows: readonly Row[], limit: number, seed: number): readonly Row[] {
  const random = randomFrom(seed)
  return rows
    .map((row) => ({ row, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, limit)
    .map(({ row }) => row)
}

/** @returns `limit` rows drawn by the seed, in their order in the file; all when there are no more */
export function sampled<Row>(rows: readonly Row[], limit: number | null, seed: number): readonly Row[] {
  if (limit === null || limit >= rows.length) return rows
  const chosen = new Set(drawn(rows, limit, seed))
  return rows.filter((row) => chosen.has(row))
}
