/** `docs/reference/compatibility.md`, made of what a run found out. */
import { resolve } from 'node:path'
import { CAPABILITIES, doorPath } from './capabilities.ts'
import type { ClientReport, RunReport } from './run.ts'

export const PAGE = resolve(import.meta.dirname, '../../docs/reference/compatibility.md')

/** @returns null when a client could not be tried, so that nothing can be said of it */
export function pageOf({ clients, notServed }: RunReport): string | null {
  if (clients.some(({ client }) => client.absent !== null)) return null
  return `# Compatibility

<!-- Written by \`npm run test:clients -- --write\`; change the tests, not this page. -->

Real clients over loopback against the built gateway: the embedded engine with a real model, and a scripted stand-in for the cloud (simulated).
The system tests run them all and fail when this page says something else than they found.

${clientTable(clients)}

## Endpoints

The share of what was tried that works; an empty cell means that the client does not use the endpoint.

${endpointTable(clients, notServed)}

## Capabilities

${capabilityTable(clients)}

\`n/a\`: the client has no such thing, or the endpoint is not served.

${CAPABILITIES.map(({ name, means }) => `- \`${name}\`: ${means}`).join('\n')}

Clients that do not know \`x-should-retry\` try a 502 or a 429 again even where the answer says that it is in vain: ${clients
    .filter(({ client }) => !client.obeysShouldRetry)
    .map(({ client }) => `\`${client.name}\``)
    .join(', ')}.
`
}

function clientTable(clients: readonly ClientReport[]): string {
  return table(
    ['client', 'packages', 'speaks'],
    clients.map(({ client }) => [`\`${client.name}\``, client.package, `\`${doorPath(client)}\``]),
  )
}

function endpointTable(clients: readonly ClientReport[], notServed: readonly string[]): string {
  const paths = [
    ...new Set(clients.flatMap(({ client }) => CAPABILITIES.map((one) => pathOf(one.endpoint, doorPath(client))))),
  ].sort()
  const rows = paths.map((path) => [
    `\`${path}\`${notServed.includes(path) ? ' (not served yet)' : ''}`,
    ...clients.map((report) => share(report, path)),
  ])
  return table(['endpoint', ...names(clients)], rows)
}

function pathOf(endpoint: string, door: string): string {
  return endpoint === 'door' ? door : endpoint
}

function share({ client, outcomes }: ClientReport, path: string): string {
  const tried = CAPABILITIES.filter(({ endpoint }) => pathOf(endpoint, doorPath(client)) === path)
    .map(({ name }) => outcomes[name]?.result)
    .filter((result) => result === 'pass' || result === 'fail')
  return tried.length === 0 ? '' : `${tried.filter((result) => result === 'pass').length} of ${tried.length}`
}

function capabilityTable(clients: readonly ClientReport[]): string {
  const rows = CAPABILITIES.map(({ name }) => [
    `\`${name}\``,
    ...clients.map(({ outcomes }) => outcomes[name]?.result ?? 'n/a'),
  ])
  return table(['', ...names(clients)], rows)
}

function names(clients: readonly ClientReport[]): readonly string[] {
  return clients.map(({ client }) => `\`${client.name}\``)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
