/** Options of the pattern `plugin`. */
import { z } from 'zod'

export const pluginPatternSchema = z
  .strictObject({
    name: z.string().default('').describe('Name of the pattern plugin; `plugins` of the policy loads it.'),
  })
  .describe('A pattern from outside of this package; see docs/guides/plugins.md.')
