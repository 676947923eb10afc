/** The MCP server of this process. Its client starts it and ends it. */
import { once } from 'node:events'
import { clientModelOf } from '../integrations/mcp/client-model.ts'
import { loadMcpServer } from '../integrations/mcp/sdk.ts'
import { createMcpServer, serveTools } from '../integrations/mcp/server.ts'
import { resolvePaths } from '../models/paths.ts'
import { systemClock } from '../pipeline/clock.ts'
import { traceLines } from './audit-trace.ts'
import { type CliContext, packageVersion } from './context.ts'
import { keptMetrics, metricsSource } from './metrics-source.ts'
import { findPolicy } from './policy-lookup.ts'
import { protocolOutput } from './protocol-output.ts'
import { outliveStrayFailures } from './stray-failures.ts'

export interface McpFlags {
  readonly policy?: string
}

/** @throws RouterError peer_missing; whatever opening a router throws */
export async function serveMcp(flags: McpFlags, context: CliContext): Promise<void> {
  const output = protocolOutput()
  const sdk = await loadMcpServer()
  const policy = findPolicy(flags.policy, context)
  const { createRouter } = await import('../compose.ts')
  const paths = resolvePaths(context.env, process.platform)
  const server = createMcpServer(sdk, packageVersion())
  const router = createRouter({ policy, env: context.env, paths, clientModel: clientModelOf(server) })
  const { epochMs: nowMs, monotonicMs } = systemClock
  const figures = metricsSource({ stateDir: paths.stateDir, costs: () => policy.policy.costs, nowMs })
  const services = { router, metrics: keptMetrics(figures, monotonicMs), explain: traceLines }
  const giveBack = outliveStrayFailures((line) => context.terminal.say(line))
  try {
    const over = ended(context.signal)
    await serveTools(server, { sdk, services, transport: new sdk.StdioServerTransport(process.stdin, output) })
    if (process.stdin.isTTY) context.terminal.say('This is a server for MCP clients, which start it by themselves.')
    await over
    await server.close()
  } finally {
    await router.close()
    giveBack()
  }
}

/** A client that goes closes our standard input. */
async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await Promise.race([once(process.stdin, 'close'), once(process.stdin, 'end'), once(signal, 'abort')])
}
