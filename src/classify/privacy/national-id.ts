/** What a number that a state gives to people looks like. */
export interface NationalId {
  /** Country and name, for example `us_ssn`. */
  readonly name: string
  readonly pattern: RegExp
  readonly check?: (text: string) => boolean
  /** Words one of which must stand near by, where the form alone says too little. */
  readonly context?: RegExp
}

const START = '(?<![\\p{L}\\p{N}]|[0-9a-f]{4}-)'
const END = '(?![\\p{L}\\p{N}])'

/** Letters and digits may not stand around it. */
export function pattern(body: string): RegExp {
  return new RegExp(`${START}(?:${body})${END}`, 'giu')
}
