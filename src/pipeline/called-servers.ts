/** Servers that a request would have a provider call: they get what the model tells them, wherever they are. */
import { RouterError } from '../spec/errors.ts'
import type { Policy } from '../spec/policy.ts'
import type { RouterRequest } from '../spec/request.ts'

/** @throws RouterError request_invalid for a server whose host the policy does not list */
export function requireListedServers({ wire }: RouterRequest, { privacy }: Policy): void {
  if (!wire) return
  const { mcp_servers: servers, tools } = wire.body
  if (servers !== undefined && servers !== null)
    for (const server of Array.isArray(servers) ? servers : [servers])
      requireListed('mcp_servers', urlIn(server, 'url'), privacy)
  if (!Array.isArray(tools)) return
  for (const tool of tools) {
    const url = urlIn(tool, 'server_url')
    if (url !== undefined) requireListed('tools', url, privacy)
  }
}

function requireListed(path: string, url: unknown, { mcpHosts }: Policy['privacy']): void {
  const address = typeof url === 'string' && URL.canParse(url) ? new URL(url) : null
  if (address?.protocol === 'https:' && mcpHosts.includes(address.host)) return
  throw new RouterError('request_invalid', {
    path,
    problem: 'it has the provider call a server that the policy does not list',
    fix: 'Leave it out, or name the host in privacy.mcpHosts; its address begins with https.',
  })
}

function urlIn(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
