import { randomFrom } from '../../learn/random.ts'

/** @returns `limit` rows drawn by the seed, in their order in the file; all when there are no more */
export function sampled<Row>(rows: readonly Row[], limit: number | null, seed: number): readonly Row[] {
  if (limit === null || limit >= rows.length) return rows
  const random = randomFrom(seed)
  const drawn = rows
    .map((row) => ({ row, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, limit)
  const chosen = new Set(drawn.map(({ row }) => row))
  return rows.filter((row) => chosen.has(row))
}
