/** `spillway mcp`: the router as tools of an MCP client, over standard input and output; `spillway mcp proxy` before a tool server. */
import { type AddCommand, addCommand } from './context.ts'
import type { McpProxyFlags } from './mcp-proxy.ts'
import type { McpFlags } from './mcp-serve.ts'

export const addMcp: AddCommand = (program, context) => {
  const mcp = addCommand(
    program,
    'mcp',
    'serve ask_local, ask_advisor, decide, explain_route and stats to an MCP client',
  )
    .option('--policy <file>', 'the policy file to use')
    .action(async (flags: McpFlags) => {
      const { serveMcp } = await import('./mcp-serve.ts')
      await serveMcp(flags, context)
    })
  addCommand(mcp, 'proxy <command...>', 'run a tool server and answer its sampling requests, each after you agreed')
    .usage('[options] -- <command> [arguments]')
    .option('--policy <file>', 'the policy file to use; its mcp.sampling says what is answered')
    .option('--name <name>', 'what the tool server is called in questions and in the audit (default: its command)')
    .option('--env <name>', 'a variable that the tool server gets; it gets no others of yours', gathered, [])
    .action(async (command: readonly string[], flags: McpProxyFlags) => {
      const { proxyMcp } = await import('./mcp-proxy.ts')
      // Both commands have the option; which of them it stands behind makes no difference.
      await proxyMcp(command, { ...mcp.opts<McpFlags>(), ...flags }, context)
    })
}

function gathered(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
