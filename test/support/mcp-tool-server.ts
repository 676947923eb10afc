/** A tool server for tests of `spillway mcp proxy`: its one tool asks its client for a model, with the parameters that it is given. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import {
  CallToolRequestSchema,
  type CreateMessageRequestParamsBase,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

const server = new Server({ name: 'asks', version: '1.0.0' }, { capabilities: { tools: {} } })
server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [{ name: 'ask_back', inputSchema: { type: 'object' } }],
}))
server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
  const seen = { capabilities: server.getClientCapabilities(), variables: Object.keys(process.env) }
  const told = (what: object) => [{ type: 'text' as const, text: JSON.stringify({ ...what, ...seen }) }]
  try {
    const result = await server.createMessage(params.arguments as unknown as CreateMessageRequestParamsBase)
    return { content: told({ result }) }
  } catch (error) {
    const { code, message, data } = error as { readonly code: number; readonly message: string; readonly data: unknown }
    return { isError: true, content: told({ code, message, data }) }
  }
})
await server.connect(new StdioServerTransport())
