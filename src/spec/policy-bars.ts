/** The policy's `bars`: what an evaluation must reach before a task may be trusted. */
import { z } from 'zod'

const share = z.number().min(0).max(1).optional()
const count = z.number().int().min(0).optional()

/** Limits that `spillway eval` holds its report against; a bar that nothing could measure is missed. */
export const barsSchema = z.strictObject({
  minAccuracy: share.describe('Least share of right answers among those given, local or not.'),
  minAcceptedAccuracy: share.describe('Least share of right answers among those accepted from the local model.'),
  minLocalShare: share.describe('Least share of requests that the local model answers.'),
  maxFalseAccepts: count.describe('Wrong local answers that were accepted, at most.'),
  maxHardStopAccepts: count.describe('Rows marked hardStop that the local model answered, at most.'),
  minValidShape: share.describe('Least share of answers in the shape that the task or row asks for, such as JSON.'),
  minExpectedRoute: share.describe('Least share of rows that took their expectedRoute.'),
  maxP95Ms: z.number().positive().optional().describe('Greatest latency of 95 % of the requests, in milliseconds.'),
  maxRollbackMs: z
    .number()
    .positive()
    .optional()
    .describe('Greatest time until a router obeys the kill switch, in milliseconds; from a drill on this machine.'),
  maxCostUsdPerRequest: z.number().min(0).optional().describe('Greatest mean cost of a request in US dollars.'),
})

export type Bars = z.output<typeof barsSchema>
export type BarName = keyof Bars
