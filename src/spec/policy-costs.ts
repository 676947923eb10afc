/** The policy's `costs`: what local answers cost beside money to providers. */
import { z } from 'zod'

export const costsSchema = z.strictObject({
  watts: z.number().positive().optional().describe('Power of this machine while a local model answers.'),
  usdPerKwh: z.number().min(0).optional().describe('Price of a kilowatt-hour in US dollars.'),
  hardwareUsd: z.number().min(0).optional().describe('What the machine cost, in US dollars.'),
  hardwareYears: z.number().positive().default(4).describe('Years over which it is written off.'),
  maintenanceUsdPerMonth: z.number().min(0).default(0).describe('People and services, in US dollars a month.'),
})

export type Costs = z.output<typeof costsSchema>
