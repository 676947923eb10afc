/** How a hard stop is written in a policy. */

/** A plain term always stops. With `near` it stops only when one of these stands within 120 characters of its line. */
export type HardStopTerm =
  | string
  | {
      /** One term, or several that share their context. */
      readonly term: string | string[]
      readonly near?: string[] | undefined
      /** Words in the same reach that make the term harmless; they win over `near`. */
      readonly notNear?: string[] | undefined
    }
