/** Who answers an `ask`: the running server when it has the same policy, else a router in this process. */
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import type { DecideRequest, RouterRequest } from '../spec/request.ts'
import type { DecideOutcome, Outcome } from '../spec/response.ts'
import type { Router } from '../spec/router.ts'
import type { CliContext } from './context.ts'
import { policyOrDetected } from './detected-policy.ts'
import { withRouter } from './open-router.ts'
import { findPolicyFile } from './policy-lookup.ts'
import { completeOnServer, runningServer } from './running-server.ts'

/** What `ask` sends; exactly one of the three kinds. */
export type Question =
  | { readonly kind: 'complete'; readonly request: RouterRequest }
  /** `onDelta` gets the text that the caller may see, as it comes. */
  | { readonly kind: 'stream'; readonly request: RouterRequest; readonly onDelta: (delta: string) => void }
  | { readonly kind: 'decide'; readonly request: DecideRequest }

/**
 * Answers one question. Whole answers come from a running server whose policy digest is equal, since equal digests mean
 * equal behaviour; streams and decisions on the fly are not part of the server's internal interface.
 */
export async function answerQuestion(
  question: Question,
  policyFile: string | undefined,
  context: CliContext,
): Promise<Outcome | DecideOutcome> {
  const policy = await policyOrDetected(policyFile, context)
  if (question.kind === 'complete') {
    const server = await runningServer(resolvePaths(context.env, process.platform).stateDir)
    if (server?.policyDigest === policy.digest) {
      context.terminal.say(`Using the server at ${server.url}, which has the same policy.`)
      return completeOnServer(server, question.request, context.signal)
    }
    if (server) context.terminal.say(`The server at ${server.url} has another policy; answering in this process.`)
  }
  const isOwn = findPolicyFile(policyFile, context) !== null
  return withRouter(policy, context, (router) => answerHere(question, router, context.signal)).catch(
    (error: unknown) => {
      throw isOwn ? error : withFirstStep(error)
    },
  )
}

/** Who has no policy yet is helped by one command, and not by an account of removals. */
function withFirstStep(error: unknown): unknown {
  if (!(error instanceof RouterError) || error.code !== 'no_model_available') return error
  const fix = 'Run `spillway init --yes`, which gets a local model, start a model server, or set a provider key.'
  return new RouterError('no_model_available', { ...error.values, fix }, error)
}

function answerHere(question: Question, router: Router, signal: AbortSignal): Promise<Outcome | DecideOutcome> {
  switch (question.kind) {
    case 'complete':
      return router.complete(question.request, { signal })
    case 'decide':
      return router.decide(question.request, { signal })
    case 'stream':
      return streamed(router, question, signal)
    default:
      return question satisfies never
  }
}

async function streamed(
  router: Router,
  question: Extract<Question, { kind: 'stream' }>,
  signal: AbortSignal,
): Promise<Outcome> {
  for await (const event of router.stream(question.request, { signal })) {
    if (event.type === 'text') question.onDelta(event.delta)
    if (event.type === 'final') return event.outcome
  }
  throw new RouterError('internal', { problem: 'a stream ended without its outcome' })
}
