/** What every tool of the MCP server is. One row a tool in `tools.ts`. */
import type { z } from 'zod'
import type { AuditRecord } from '../../spec/audit.ts'
import type { MetricsSource } from '../../spec/metrics.ts'
import type { Router } from '../../spec/router.ts'

/** What tools work with. */
export interface McpServices {
  readonly router: Router
  readonly metrics: MetricsSource
  /** One record in words, a line each. */
  readonly explain: (record: AuditRecord) => readonly string[]
}

/** What a tool found, for programs and for a model that reads. */
export interface ToolFinding {
  /** Satisfies the tool's `output`. */
  readonly content: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface McpTool {
  readonly name: string
  readonly title: string
  /** For the model that chooses among tools. */
  readonly description: string
  readonly input: z.ZodObject
  readonly output: z.ZodObject
  /** It reads what is recorded and asks nobody. */
  readonly readsOnly: boolean
  /** It may reach a machine that is not this one. */
  readonly reachesOut: boolean
  /** @throws RouterError */
  readonly run: (input: unknown, services: McpServices, signal: AbortSignal) => Promise<ToolFinding>
}

/** Binds a tool to the types of its schemas: `run` gets what `input` accepted. */
export function mcpTool<Input extends z.ZodObject>(
  tool: Omit<McpTool, 'input' | 'run'> & {
    readonly input: Input
    readonly run: (input: z.output<Input>, services: McpServices, signal: AbortSignal) => Promise<ToolFinding>
  },
): McpTool {
  return { ...tool, run: (input, services, signal) => tool.run(input as z.output<Input>, services, signal) }
}
