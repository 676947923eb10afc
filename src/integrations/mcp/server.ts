/** The router as an MCP server: tools over one connection, errors as results that a model can read. */
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { RouterError, toRouterError } from '../../spec/errors.ts'
import { closest } from '../../spec/suggest.ts'
import type { McpServerParts } from './sdk.ts'
import type { McpServices, McpTool } from './tool.ts'
import { MCP_TOOLS } from './tools.ts'

export type McpServer = InstanceType<McpServerParts['Server']>

const INSTRUCTIONS =
  'Spillway answers with a small model on this machine where evidence says that it may, and with a frontier model where not. ask_local ' +
  'never sends text away; ask_advisor may, and costs money; decide chooses a label. Every answer has a requestId: explain_route tells why.'

/** @returns a server that no transport is connected to yet */
export function createMcpServer({ Server }: McpServerParts, version: string): McpServer {
  return new Server({ name: 'spillway', version }, { capabilities: { tools: {} }, instructions: INSTRUCTIONS })
}

export interface Serving {
  readonly sdk: McpServerParts
  readonly services: McpServices
  readonly transport: Transport
  /** How often a caller who asked for progress hears that its call goes on. Default: 5 seconds. */
  readonly progressEveryMs?: number
}

/** Many clients give up after a minute without a word, and a local model may write for longer. */
const PROGRESS_EVERY_MS = 5000

/** Serves the tools until the connection ends. */
export async function serveTools(server: McpServer, parts: Serving): Promise<void> {
  const { types } = parts.sdk
  server.setRequestHandler(types.ListToolsRequestSchema, () => ({ tools: MCP_TOOLS.map(told) }))
  server.setRequestHandler(types.CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
    const progressToken = params._meta?.progressToken
    let progress = 0
    const tell = (): void => {
      progress += 1
      // Who does not hear it any more gets no answer, either.
      void sendNotification({
        method: 'notifications/progress',
        params: { progressToken: progressToken ?? 0, progress },
      }).catch(() => undefined)
    }
    const telling = progressToken === undefined ? null : setInterval(tell, parts.progressEveryMs ?? PROGRESS_EVERY_MS)
    try {
      return await called(params, parts.services, signal)
    } catch (error) {
      return failed(toRouterError(error))
    } finally {
      if (telling) clearInterval(telling)
    }
  })
  await server.connect(parts.transport)
}

function told({ name, title, description, input, output, readsOnly, reachesOut }: McpTool): Tool {
  const annotations = { title, readOnlyHint: readsOnly, destructiveHint: false, openWorldHint: reachesOut }
  return { name, title, description, inputSchema: jsonSchema(input), outputSchema: jsonSchema(output), annotations }
}

function jsonSchema(schema: z.ZodObject): Tool['inputSchema'] {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io: 'input' })
  return plain as Tool['inputSchema']
}

interface Call {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

async function called(call: Call, services: McpServices, signal: AbortSignal): Promise<CallToolResult> {
  const tool = MCP_TOOLS.find(({ name }) => name === call.name)
  if (!tool) throw unknownTool(call.name)
  const input = tool.input.safeParse(call.arguments ?? {})
  if (!input.success) throw wrongInput(tool, input.error)
  const { content, text } = await tool.run(input.data, services, signal)
  return { content: [{ type: 'text', text }], structuredContent: content }
}

/** Without structured content, which would have to satisfy the tool's output schema. */
function failed({ code, message, fix, values }: RouterError): CallToolResult {
  const requestId = typeof values.requestId === 'string' ? { requestId: values.requestId } : {}
  return {
    isError: true,
    content: [{ type: 'text', text: `${code}: ${message}\nFix: ${fix}` }],
    _meta: { 'spillway/error': { code, message, fix, ...requestId } },
  }
}

function unknownTool(name: string): RouterError {
  const known = MCP_TOOLS.map((tool) => tool.name)
  const near = closest(name, known)
  const fix = near ? `Did you mean ${near}?` : `Known: ${known.join(', ')}.`
  return new RouterError('not_found', { subject: 'tool', value: name.slice(0, 100), fix })
}

function wrongInput({ name, input }: McpTool, { issues }: z.ZodError): RouterError {
  const [issue] = issues
  const path = [name, ...(issue?.path ?? [])].map(String).join('.')
  const problem = issue?.message.replace(/\.$/, '') ?? 'it cannot be read'
  const fix = `${name} takes ${Object.keys(input.shape).join(', ')}.`
  return new RouterError('request_invalid', { path, problem, fix })
}
