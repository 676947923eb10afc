import type { Shape, Sourced, Weight } from './figures.ts'
import type { HardwareClass, Workload } from './workloads.ts'

/**
 * An open model of the swap table. Unlike an entry of `CATALOG` it has no pinned file: who fetches it names the file.
 */
export interface OpenModel {
  readonly name: string
  readonly title: string
  readonly workload: Workload
  readonly hardware: HardwareClass
  readonly licence: Sourced<string>
  readonly parameters: Sourced<number>
  /** Parameters that one token passes through; null when it is all of them. */
  readonly activeParameters: number | null
  readonly shape: Sourced<Shape>
  /** From small to large. */
  readonly weights: readonly Weight[]
  /** `hf:owner/repository/file` that was seen in a public listing; without a file where only the repository was. */
  readonly reference: string | null
  readonly note: string | null
}
