/** A tool server behind this process: what it asks of a model is answered by the router, after a person agreed. */
import { once } from 'node:events'
import { basename } from 'node:path'
import { startProxy } from '../integrations/mcp/proxy.ts'
import { answerSampling, type SamplingRequest } from '../integrations/mcp/sampling.ts'
import { loadMcpTransports } from '../integrations/mcp/sdk.ts'
import type { RouterError } from '../spec/errors.ts'
import { hasTerminal, shownText, terminalQuestions } from './ask-on-terminal.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { withRouter } from './open-router.ts'
import { findPolicy } from './policy-lookup.ts'
import { protocolOutput } from './protocol-output.ts'

export interface McpProxyFlags {
  readonly policy?: string
  readonly name?: string
  readonly env: readonly string[]
}

/** @throws RouterError usage: sampling is off, a variable is not set, or the command does not start; peer_missing */
export async function proxyMcp(
  [program = '', ...args]: readonly string[],
  flags: McpProxyFlags,
  context: CliContext,
): Promise<void> {
  const output = protocolOutput()
  const policy = findPolicy(flags.policy, context)
  if (!policy.policy.mcp.sampling.enabled)
    throw usage(
      `Sampling is off in the policy ${policy.file}, so there is nothing to stand between for`,
      'Set mcp.sampling.enabled: true there, or start the tool server without `spillway mcp proxy`.',
    )
  const given = namedVariables(flags.env, context)
  const { StdioClientTransport, StdioServerTransport, getDefaultEnvironment } = await loadMcpTransports()
  const name = (flags.name ?? basename(program)).slice(0, 100)
  const refused = (why: string): void => context.terminal.say(`A sampling request of ${name} was refused: ${why}`)
  if (!hasTerminal()) context.terminal.say(`There is no terminal to ask on: requests of ${name} are refused.`)
  await withRouter(policy, context, async (router) => {
    const question = terminalQuestions()
    const approve = (request: SamplingRequest, signal: AbortSignal): Promise<boolean> =>
      question(questionText(request), 'Answer it with your models? [y/N] ', signal)
    // The keys of this process are no business of a tool server.
    const env = { ...getDefaultEnvironment(), ...given }
    const server = new StdioClientTransport({ command: program, args: [...args], env, stderr: 'inherit' })
    const host = new StdioServerTransport(process.stdin, output)
    const answer = answerSampling({ router, policy, server: name, approve })
    const { closed } = await startProxy({ host, server, answer, refused }).catch((error: NodeJS.ErrnoException) => {
      throw error.syscall ? notStarted(program, error) : error
    })
    const gone = Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close'), aborted(context.signal)])
    void gone.then(() => host.close())
    await closed
  })
}

function notStarted(program: string, { code }: NodeJS.ErrnoException): RouterError {
  return usage(`The tool server ${program} cannot be started (${code ?? 'reason unknown'})`, 'Correct its command.')
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function namedVariables(names: readonly string[], { env }: CliContext): Readonly<Record<string, string>> {
  const found = names.map((name) => {
    const value = env[name]
    if (value === undefined) throw usage(`--env ${name} is not set`, `Set ${name}, or leave the option out.`)
    return [name, value] as const
  })
  return Object.fromEntries(found)
}

/** Of a screen or two; more than that nobody reads before they agree. */
const SHOWN_CHARS = 4000

function questionText({ server, systemPrompt, messages, maxOutputTokens }: SamplingRequest): string {
  const indented = (text: string): string => text.replaceAll('\n', '\n    ')
  const said = [
    ...(systemPrompt === null ? [] : [`  instructions\n    ${indented(systemPrompt)}`]),
    ...messages.map(({ role, text }) => `  ${role}\n    ${indented(text)}`),
  ].join('\n')
  const name = shownText(server, 100).replaceAll('\n', ' ')
  return `\nThe tool server ${name} asks your models for up to ${maxOutputTokens} tokens:\n${shownText(said, SHOWN_CHARS)}`
}
