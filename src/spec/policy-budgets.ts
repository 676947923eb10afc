/** The policy's `budgets`: ceilings in US dollars. */
import { z } from 'zod'

const ceiling = z
  .strictObject({
    day: z.number().positive().optional().describe('US dollars a calendar day, UTC.'),
    month: z.number().positive().optional().describe('US dollars a calendar month, UTC.'),
  })
  .describe('US dollars that calls of frontiers may cost.')

const price = z.number().positive()

export const budgetsSchema = z.strictObject({
  day: ceiling.shape.day,
  month: ceiling.shape.month,
  tasks: z.record(z.string(), ceiling).default({}).describe('Beside the whole, a ceiling for each task named here.'),
  tenants: z
    .record(z.string(), ceiling)
    .default({})
    .describe('A ceiling for each tenant named here; `*` is for each of all others.'),
  unknownPriceUsdPerMillion: z
    .strictObject({ input: price.default(30), output: price.default(150) })
    .prefault({})
    .describe('What a model without a known price is taken to cost when the budget is reserved and booked.'),
})

export type Budgets = z.output<typeof budgetsSchema>

/** US dollars; absent: none. */
export interface Ceiling {
  readonly day?: number | undefined
  readonly month?: number | undefined
}
