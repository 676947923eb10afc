/** `npm run test:clients -- [--json] [--only <client>] [--write]`. Exit code 1 when a client cannot do what it should. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { PAGE, pageOf } from './page.ts'
import { CLIENT_NAMES, type RunReport, runClients } from './run.ts'

const problem = await main().catch((error: Error) => error.message)
if (problem !== null) {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 2
}

/** @returns what is wrong with the arguments; null when it ran */
async function main(): Promise<string | null> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true }, write: { type: 'boolean' } },
  })
  const names = values.only ?? CLIENT_NAMES
  const unknown = names.find((name) => !CLIENT_NAMES.includes(name))
  if (unknown !== undefined) return `There is no client ${unknown}. Clients: ${CLIENT_NAMES.join(', ')}.`
  if (values.write && values.only) return 'The page is about all clients: leave out --only.'
  const startedMs = performance.now()
  const report = await runClients(names)
  process.stdout.write(values.json ? `${JSON.stringify(table(report), null, 2)}\n` : lines(report))
  const failed = sayFailures(report)
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  process.stderr.write(`${names.length} clients, ${report.calls.made} calls of the scripted cloud, ${seconds} s\n`)
  process.exitCode = failed || (values.write && !write(report)) ? 1 : 0
  return null
}

function table({ clients }: RunReport): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    clients.map(({ client, outcomes }) => [
      client.name,
      Object.fromEntries(Object.entries(outcomes).map(([name, { result }]) => [name, result])),
    ]),
  )
}

function lines({ clients }: RunReport): string {
  return clients
    .flatMap(({ client, outcomes }) => [
      `${client.name} (${client.package})\n`,
      ...Object.entries(outcomes).map(([name, { result, why }]) => `  ${result} ${name}${why ? `: ${why}` : ''}\n`),
    ])
    .join('')
}

/** On the error stream, so that JSON on the other stays JSON. */
function sayFailures({ clients, calls }: RunReport): boolean {
  const failed = clients.flatMap(({ client, outcomes }) =>
    Object.entries(outcomes)
      .filter(([, { result }]) => result === 'fail')
      .map(([name, { why }]) => `${client.name} ${name}: ${why}\n`),
  )
  const absent = clients.flatMap(({ client }) => (client.absent === null ? [] : [`${client.name}: ${client.absent}\n`]))
  for (const line of [...failed, ...absent]) process.stderr.write(line)
  if (calls.made !== calls.recorded)
    process.stderr.write(`${calls.made} calls reached the cloud, ${calls.recorded} are in the audit\n`)
  return failed.length > 0 || calls.made !== calls.recorded
}

function write(report: RunReport): boolean {
  const page = pageOf(report)
  if (page === null) process.stderr.write('The page is left as it is: not every client could be tried.\n')
  else writeFileSync(PAGE, page)
  return page !== null
}
