import { type Equality, sameAnswer } from './equality.ts'
import { accept, type Gate, reject } from './gate.ts'
import { outsideVerdict } from './grey-zone.ts'
import type { ComparedAnswer } from './opinions.ts'
import { ROUNDING } from './opinions.ts'

/**
 * In the grey zone: the semantic entropy of the other answers is at most `maxSemanticEntropyNats`, else `disagreement`.
 * A model that says the same in other words is sure; one that says other things is not, however sure of each word. An
 * answer that is missing is counted as one that stands alone, which is the worst it can be; where that decides, and with
 * fewer than two answers, the reason is `signal_unavailable`.
 */
export const semanticEntropy: Gate = ({ task, opinions }) => {
  const limit = task.agreement?.maxSemanticEntropyNats ?? null
  if (!task.agreement || limit === null)
    return accept('semantic_entropy', 'maxSemanticEntropyNats is null: not checked.')
  const outside = outsideVerdict('semantic_entropy', opinions?.score ?? null, task.agreement.greyZone)
  if (outside) return outside
  const { others = [], wanted = 0 } = opinions?.answers ?? {}
  const known = others.filter((other) => other !== null)
  if (known.length < 2) return unavailable(limit, `${known.length} other answers are too few to tell.`)
  const sizes = clusterAnswers(known, task.agreement).map((cluster) => cluster.length)
  const missing = Array.from({ length: Math.max(0, wanted - known.length) }, () => 1)
  const nats = entropyOfClusters([...sizes, ...missing])
  const figures = `Semantic entropy ${nats.toFixed(3)} nats over ${known.length} answers in ${sizes.length} clusters, limit ${limit}`
  if (nats <= limit + ROUNDING) return accept('semantic_entropy', `${figures}.`, { score: nats, threshold: limit })
  if (entropyOfClusters(sizes) <= limit + ROUNDING)
    return unavailable(limit, `${figures}; ${missing.length} are missing.`)
  return reject('semantic_entropy', { reason: 'disagreement', detail: `${figures}.`, score: nats, threshold: limit })
}

/**
 * Groups answers that say the same. An answer joins a cluster only when it is equal to every member in both directions;
 * where equality cannot be told it stands apart, so the entropy is never too low for want of a signal.
 *
 * @returns clusters in the order of their first answers; every answer stands in exactly one
 * @see Kuhn et al. 2023, Semantic Uncertainty, algorithm 1 (bidirectional clustering; there by entailment)
 */
export function clusterAnswers(
  answers: readonly ComparedAnswer[],
  rule: Equality,
): readonly (readonly ComparedAnswer[])[] {
  const clusters: ComparedAnswer[][] = []
  for (const answer of answers) {
    const home = clusters.find((cluster) =>
      cluster.every((member) => sameAnswer(member, answer, rule) === true && sameAnswer(answer, member, rule) === true),
    )
    if (home) home.push(answer)
    else clusters.push([answer])
  }
  return clusters
}

/**
 * Entropy of the shares of clusters, each answer with the same weight.
 *
 * @param sizes answers per cluster, each at least 1
 * @returns -sum p ln p, nats, 0 to ln of the number of answers; 0 for no cluster
 * @see Farquhar et al. 2024, Detecting hallucinations in large language models using semantic entropy (discrete variant)
 */
export function entropyOfClusters(sizes: readonly number[]): number {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  // `0 -` keeps a single cluster at 0 where a sign would make it -0.
  return 0 - sizes.reduce((sum, size) => sum + (size / total) * Math.log(size / total), 0)
}

function unavailable(threshold: number, detail: string): ReturnType<Gate> {
  return reject('semantic_entropy', { reason: 'signal_unavailable', detail, threshold })
}
