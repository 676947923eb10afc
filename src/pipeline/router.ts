/** The router: one policy, its models and its audit, behind the interface the three doors share. */

import { gatesFor } from '../gates/gates.ts'
import type { AuditRecord } from '../spec/audit.ts'
import { pluginLabel } from '../spec/plugin.ts'
import type { AuditQuery } from '../spec/ports.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { StreamEvent } from '../spec/response.ts'
import type { AuditHealth, Explanation, RequestOptions, Router, RouterStatus } from '../spec/router.ts'
import { withinDeadline } from './deadline.ts'
import { decideJob, decideOutcome } from './decide.ts'
import { createDesk } from './desk.ts'
import { type FeedbackDeps, recordFeedback } from './feedback.ts'
import { type PipelineInput, runPipeline, type Settled } from './pipeline.ts'
import { planRequest } from './plan.ts'
import { gatePlugins } from './plugin-gates.ts'
import { preload } from './preload.ts'
import { leaveFor } from './release.ts'
import type { PipelineDeps } from './run.ts'
import { createShadows } from './shadows.ts'
import { createChannel, NO_SINK, sinkOf } from './sink.ts'
import { solverAnswer } from './solve.ts'
import { answeringNow, candidateOf, policyInForce } from './task-setup.ts'
import { embedJob } from './vectors.ts'

export interface RouterDeps extends PipelineDeps {
  readonly readAudit: (query: AuditQuery) => readonly AuditRecord[]
  readonly auditHealth: () => AuditHealth
  readonly closeStores: () => Promise<void>
}

interface Job extends Pick<PipelineInput, 'request' | 'inlineTask' | 'sink' | 'lift' | 'form'> {
  readonly signal: AbortSignal
  readonly options: RequestOptions | undefined
}

export function routerFrom(deps: RouterDeps): Router {
  const background = new Set<Promise<unknown>>()
  const inBackground = (work: Promise<unknown>): void => {
    // Whoever waits for the answer has its failure, and it must not end the process.
    const settled = work.catch(() => undefined)
    background.add(settled)
    void settled.then(() => background.delete(settled))
  }
  const shadows = createShadows(deps, inBackground)
  const run = async (job: Job): Promise<Settled> => {
    const { options = {}, signal } = job
    const { key, maxCostUsd, taken, deadlineMs, held, priority, trace } = options
    const request = { ...job.request, id: job.request.id ?? deps.newId() }
    const owner = { key: key?.id ?? null, tenant: request.metadata?.tenant ?? null }
    const bounds = {
      ...(key && { key }),
      ...(maxCostUsd !== undefined && { maxCostUsd }),
      ...(taken && { taken }),
      ...(trace && { trace }),
      ...(held !== undefined && { lift: leaveFor(held, owner, deps) }),
    }
    const settled = await withinDeadline({ requestId: request.id, deadlineMs, signal }, (until) =>
      runPipeline({ ...job, ...bounds, ...(priority && { priority }), request, signal: until }, deps),
    )
    shadows.served(settled)
    return settled
  }
  return {
    complete: async (request, options) =>
      (await run({ ...embedJob(request, deps.loaded), options, signal: signalOf(options), sink: NO_SINK })).outcome,
    streamTo: async (request, take, options) => {
      const running = run({ request, options, signal: signalOf(options), sink: sinkOf(take) })
      inBackground(running)
      await running
    },
    stream: (request, options) => streamed(request, { options, run, inBackground }),
    decide: async (question, options) => {
      const settled = await run({
        ...decideJob(question, policyInForce(deps)),
        form: 'decision',
        options,
        signal: signalOf(options),
        sink: NO_SINK,
      })
      return decideOutcome(settled.run, settled.outcome)
    },
    route: (request) => explain(request, deps),
    status: () => ({ ...statusOf(deps), ...shadows.health() }),
    feedback: (requestId, feedback) => recordFeedback(requestId, feedback, { ...deps, onLabel: learnFrom(deps) }),
    held: createDesk(deps, ({ request, inlineTask }, lift, options) =>
      run({ request, ...(inlineTask && { inlineTask }), lift, options, signal: signalOf(options), sink: NO_SINK }),
    ),
    audit: (query) => deps.readAudit(query),
    preload: (options) => preload(deps, signalOf(options)),
    async close() {
      await Promise.allSettled([...background])
      await shadows.idle()
      await Promise.allSettled([...background])
      await deps.roster.close()
      await deps.tracing?.flush()
      await deps.closeStores()
    },
  }
}

function learnFrom({ buddies, stages, loaded }: RouterDeps): NonNullable<FeedbackDeps['onLabel']> {
  return (record, label) => {
    const task = loaded.policy.tasks[record.task]
    if (!task) return
    buddies.labelled(record, label, task)
    stages.noted('label', { ...record, labels: [...record.labels, label] }, task)
  }
}

function signalOf(options: RequestOptions | undefined): AbortSignal {
  return options?.signal ?? new AbortController().signal
}

interface Streaming {
  readonly options: RequestOptions | undefined
  readonly run: (job: Job) => Promise<Settled>
  readonly inBackground: (work: Promise<unknown>) => void
}

/** A reader that stops reading cancels the request; what was spent is still settled. */
async function* streamed(
  request: RouterRequest,
  { options, run, inBackground }: Streaming,
): AsyncGenerator<StreamEvent, void, void> {
  const channel = createChannel()
  const gone = new AbortController()
  const signal = options?.signal ? AbortSignal.any([options.signal, gone.signal]) : gone.signal
  inBackground(run({ request, options, signal, sink: channel }).then(channel.end, channel.fail))
  try {
    yield* channel.read()
  } finally {
    gone.abort()
  }
}

function explain(request: RouterRequest, deps: PipelineDeps): Explanation {
  const run = planRequest({ request }, deps)
  const solved = solverAnswer(run, deps)
  return {
    features: run.features,
    decision: run.decision,
    solver: solved && { name: solved.solver, answer: solved.answer },
    gates: [
      ...gatesFor(run.task, request).map((gate) => gate.name),
      ...gatePlugins(run.features.task, deps).map(({ plugin }) => pluginLabel(plugin)),
    ],
  }
}

function statusOf(deps: RouterDeps): Omit<RouterStatus, 'shadows' | 'candidates'> {
  const models = deps.roster.states()
  return {
    policyDigest: deps.loaded.digest,
    policyFile: deps.loaded.file,
    tasks: Object.keys(deps.loaded.policy.tasks),
    models,
    ready: models.some((model) => model.unavailable === null),
    audit: deps.auditHealth(),
    rollouts: rolloutsOf(deps),
    overrides: overridesOf(deps),
    held: heldOf(deps),
  }
}

function rolloutsOf(deps: RouterDeps): RouterStatus['rollouts'] {
  const { rollouts, stages, loaded } = deps
  const tasks = Object.entries(loaded.policy.tasks)
  const inForce = tasks.flatMap(([name, { stage }]) => rollouts.find(name, stage) ?? [])
  const named = tasks.map(([name]) => ({ task: name, ...answeringNow(deps, name), candidate: candidateOf(deps, name) }))
  const rotations = named.flatMap(({ task, setup }) => (setup ? [{ task, model: setup.model }] : []))
  const candidates = named.flatMap(({ task, candidate }) => (candidate ? [{ task, model: candidate.setup.model }] : []))
  return { problem: rollouts.problem(), inForce, watched: stages.watched(), rotations, candidates }
}

function heldOf({ held }: RouterDeps): RouterStatus['held'] {
  if (!held) return null
  try {
    return { waiting: held.waiting(), problem: held.problem, webhook: held.webhook() }
  } catch (error) {
    return { waiting: null, problem: error instanceof Error ? error.message : String(error), webhook: null }
  }
}

function overridesOf({ overrides, loaded }: RouterDeps): RouterStatus['overrides'] {
  const inForce = Object.keys(loaded.policy.tasks).flatMap((task) => overrides.inForce(task)).length
  return { inForce, problem: overrides.problem() === null ? null : 'they cannot be read' }
}
