/** The policy's `telemetry`: what spans of OpenTelemetry hold, and who learns of a trace. */
import { z } from 'zod'

export const telemetrySchema = z.strictObject({
  content: z
    .enum(['none', 'sent'])
    .default('none')
    .describe(
      'sent: spans of calls that leave this router for a frontier hold the messages as they left, masked, and the answer as it came. Never of local_only requests, never of local calls.',
    ),
  handOn: z
    .enum(['nowhere', 'this_machine', 'everywhere'])
    .default('this_machine')
    .describe(
      'Which model servers get the headers traceparent and tracestate. this_machine: those of local models here. everywhere: providers, too, who can tell by them which requests belong together.',
    ),
})
