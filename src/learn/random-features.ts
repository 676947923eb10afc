/** A smooth function of a few figures as a linear one of many waves. Pure. */

/** Typed arrays; `directions` holds one row of `mean.length` numbers per wave. */
export interface RandomFeatures {
  readonly mean: Float32Array
  readonly scale: Float32Array
  readonly directions: Float32Array
  readonly phases: Float32Array
}

/** Standardised figures beyond it are cut: one odd text must not fall out of all waves. */
const MOST_DEVIATIONS = 3

/**
 * Inner products of the waves come close to a Gaussian kernel of the standardised figures, whose squared width is half
 * their number.
 *
 * @param rows at least one, all of the same length
 * @param random a number from 0 to 1
 * @see Rahimi and Recht 2007, Random Features for Large-Scale Kernel Machines
 */
export function fitRandomFeatures(
  rows: readonly (readonly number[])[],
  { count, random }: { readonly count: number; readonly random: () => number },
): RandomFeatures {
  const width = rows[0]?.length ?? 0
  const mean = Float32Array.from({ length: width }, (_, figure) => average(rows.map((row) => row[figure] ?? 0)))
  const scale = mean.map(
    (centre, figure) => Math.sqrt(average(rows.map((row) => ((row[figure] ?? 0) - centre) ** 2))) || 1,
  )
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return {
    mean,
    scale,
    directions: Float32Array.from({ length: count * width }, () => gauss() * Math.sqrt(2 / width)),
    phases: Float32Array.from({ length: count }, () => 2 * Math.PI * random()),
  }
}

/** As long as the waves are many; its length as a vector is close to 1. */
export function randomFeatures(fit: RandomFeatures, row: readonly number[]): Float32Array {
  const width = fit.mean.length
  const standard = fit.mean.map((centre, figure) =>
    Math.max(-MOST_DEVIATIONS, Math.min(MOST_DEVIATIONS, ((row[figure] ?? 0) - centre) / (fit.scale[figure] ?? 1))),
  )
  return fit.phases.map((phase, wave) => {
    let angle = phase
    for (let figure = 0; figure < width; figure++)
      angle += (fit.directions[wave * width + figure] ?? 0) * (standard[figure] ?? 0)
    return Math.sqrt(2 / fit.phases.length) * Math.cos(angle)
  })
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
