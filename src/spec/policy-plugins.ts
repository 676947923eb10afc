/** The policy's `plugins`: code from outside of this package. */
import { z } from 'zod'
import { duration } from './policy-values.ts'

const entry = z.strictObject({
  from: z.string().min(1).describe('A file beside the policy file (./name.mjs) or a package that is installed there.'),
  tasks: z.array(z.string().min(1)).min(1).optional().describe('Gates and solvers: only these tasks. Default: all.'),
  timeout: duration.default(1000).describe('Gates: time for one answer; one that takes longer has not accepted.'),
})

export const pluginsSchema = z
  .array(
    z.union([
      z
        .string()
        .min(1)
        .transform((from) => entry.parse({ from })),
      entry,
    ]),
  )
  .max(50)
  .default([])
  .describe(
    'Gates, solvers, patterns, detectors and model adapters: files or packages, or { from, tasks, timeout }. They run with the rights of this process.',
  )

export type PluginEntry = z.output<typeof entry>
