/** The SDK of the Model Context Protocol: an optional part, loaded when a command needs it. */
import { RouterError } from '../../spec/errors.ts'

/** That it was tested with, as package.json names it. */
const SDK_VERSION = '1.32.2'
const SDK = '@modelcontextprotocol/sdk'

/** @throws RouterError peer_missing */
export function loadMcpServer() {
  return installed(async () => {
    const [{ Server }, { StdioServerTransport }, types] = await Promise.all([
      import('@modelcontextprotocol/sdk/server/index.js'),
      import('@modelcontextprotocol/sdk/server/stdio.js'),
      import('@modelcontextprotocol/sdk/types.js'),
    ])
    return { Server, StdioServerTransport, types }
  })
}

/** What stands between a host and a tool server. @throws RouterError peer_missing */
export function loadMcpTransports() {
  return installed(async () => {
    const [{ StdioClientTransport, getDefaultEnvironment }, { StdioServerTransport }] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/stdio.js'),
      import('@modelcontextprotocol/sdk/server/stdio.js'),
    ])
    return { StdioClientTransport, StdioServerTransport, getDefaultEnvironment }
  })
}

export type McpServerParts = Awaited<ReturnType<typeof loadMcpServer>>
export type McpTransports = Awaited<ReturnType<typeof loadMcpTransports>>

async function installed<Parts>(load: () => Promise<Parts>): Promise<Parts> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new RouterError('peer_missing', { key: '`spillway mcp`', name: SDK, version: SDK_VERSION }, error)
  }
}
