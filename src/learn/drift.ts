/** Whether figures of a stream are still what they were: a test that may be looked at after every row. Pure. */
import type { DriftState } from '../spec/rollout.ts'

export interface DriftMonitor {
  /**
   * @param row one value for each figure; null is left out
   * @param chance 0 to 1, drawn for this row alone: breaks ties
   */
  take(row: readonly (number | null)[], chance: number): void
  state(): DriftState
}

/**
 * Ranks every value among those before it. While rows could have come in any order, ranks are independent and even, and no bet on
 * them gains in the mean: the wealth ever reaches 1/a with probability a at most, however often one looks. When values
 * rise or fall, ranks crowd at one end, and a bet on that end grows.
 *
 * Each figure has bets on both ends and on none, between which a thousandth of the wealth moves with each row, so that a change may
 * come late; the wealth of all figures is their mean. Values after the first `MOST_VALUES` are ranked among those.
 *
 * @see Vovk, Nouretdinov, Gammerman 2003, Testing Exchangeability On-Line; Vovk et al. 2021, Retrain or Not Retrain (Simple Jumper)
 */
export function createDriftMonitor(figures: readonly string[]): DriftMonitor {
  const own = figures.map((name) => ({ name, sorted: [] as number[], capital: BETS.map(() => 1 / BETS.length) }))
  let rows = 0
  const wealthOf = ({ capital }: { readonly capital: readonly number[] }): number =>
    capital.reduce((sum, one) => sum + one, 0)
  return {
    take(row, chance) {
      rows += 1
      for (const [index, figure] of own.entries()) {
        const value = row[index]
        if (value === null || value === undefined || !Number.isFinite(value)) continue
        const [below, upTo] = [countBelow(figure.sorted, value), countUpTo(figure.sorted, value)]
        // The value itself is one of those that it ties with.
        const rank = (below + chance * (upTo - below + 1)) / (figure.sorted.length + 1)
        figure.capital = bet(figure.capital, rank)
        if (figure.sorted.length < MOST_VALUES) figure.sorted.splice(upTo, 0, value)
      }
    },
    state() {
      const strongest = own.toSorted((a, b) => wealthOf(b) - wealthOf(a))[0]
      const mean = own.reduce((sum, figure) => sum + wealthOf(figure), 0) / Math.max(1, own.length)
      return { rows, logWealth: Math.log(mean), strongest: rows === 0 ? null : (strongest?.name ?? null) }
    },
  }
}

/** Logarithm of the wealth at which there is an alarm that is false in at most so many of all histories. */
export function alarmAt(falseAlarms: number): number {
  return -Math.log(falseAlarms)
}

/** High ranks, low ranks, no bet. */
const BETS = [1, -1, 0]
/** Moved at each row: more finds late changes sooner and costs more while nothing changes. */
const JUMP = 0.001
const MOST_VALUES = 5000

function bet(capital: readonly number[], rank: number): number[] {
  const whole = capital.reduce((sum, one) => sum + one, 0)
  if (whole > RICH) return [...capital]
  return capital.map(
    (own, index) =>
      ((1 - JUMP) * own + (JUMP / BETS.length) * whole) * (1 + (BETS[index] ?? 0) * 2 * STAKE * (rank - 0.5)),
  )
}

/** Nothing is left to show, and numbers have an end. */
const RICH = 1e100

/** Share of the wealth of a bet that one row may take. */
const STAKE = 0.75

function countBelow(sorted: readonly number[], value: number): number {
  return firstIndex(sorted, (one) => one >= value)
}

function countUpTo(sorted: readonly number[], value: number): number {
  return firstIndex(sorted, (one) => one > value)
}

function firstIndex(sorted: readonly number[], isThere: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isThere(sorted[middle] ?? Number.POSITIVE_INFINITY)) high = middle
    else low = middle + 1
  }
  return low
}
