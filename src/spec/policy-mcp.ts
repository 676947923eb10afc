/** The policy's `mcp`: what is done for tool servers that ask for a model. */
import { z } from 'zod'
import { PARTITIONS } from './decision.ts'

const samplingSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Answer `sampling/createMessage` of tool servers, each request after a person approved it.'),
  task: z.string().min(1).optional().describe('The task of the policy that such requests are. Default: defaults.task.'),
  partition: z
    .enum(PARTITIONS)
    .default('local_only')
    .describe('Partition of what a tool server sends. local_only: it is answered on this machine and costs nothing.'),
  maxOutputTokens: z
    .number()
    .int()
    .min(1)
    .max(32_768)
    .default(512)
    .describe('Cap of an answer, whatever is asked for.'),
  maxInputChars: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Characters of all messages of a request together; more are refused before a person is asked.'),
})

export const mcpSchema = z.strictObject({
  sampling: samplingSchema.prefault({}),
})
