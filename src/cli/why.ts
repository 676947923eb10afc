/** `spillway why`: the trace of one request. */
import { findRecord } from './audit.ts'
import { traceLines } from './audit-trace.ts'
import { type AddCommand, addCommand } from './context.ts'

export const addWhy: AddCommand = (program, context) => {
  addCommand(program, 'why <requestId>', 'why a past request went where it went').action(
    async (requestId: string, flags: { readonly json?: true }) => {
      const record = await findRecord(requestId, context)
      if (flags.json) return context.terminal.json(record)
      for (const line of traceLines(record)) context.terminal.print(line)
    },
  )
}
