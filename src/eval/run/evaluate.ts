/** Runs a dataset through a router under a policy, as many rows at once as wanted. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { RouterError } from '../../spec/errors.ts'
import type { CheckedDraft } from '../../spec/label.ts'
import type { LoadedPolicy, Policy } from '../../spec/policy.ts'
import { budgetsSchema } from '../../spec/policy-budgets.ts'
import type { ModelPort } from '../../spec/ports.ts'
import { NO_ANSWER } from '../../spec/reading.ts'
import type { Router } from '../../spec/router.ts'
import type { EvalRow } from './dataset.ts'
import { evaluateRow, type Price } from './evaluate-row.ts'
import { type Estimate, standInFrontier } from './frontier-stand-in.ts'
import type { ResultsFile } from './results-file.ts'
import type { RowResult } from './row-result.ts'

export interface EvalPlan {
  readonly frontier: 'assumed right' | 'called'
  readonly stage: 'accept' | 'configured'
  /** Of tokens, for a frontier that is not called. */
  readonly estimate: Estimate
}

/** The policy as it is evaluated, the ports that take the place of frontiers, and how a row is given to them. */
export interface EvalSetup {
  readonly loaded: LoadedPolicy
  readonly models: Readonly<Record<string, ModelPort>>
  readonly within: <T>(row: EvalRow, work: () => T) => T
  /** For the router: what its local models said. */
  readonly onDraft: (requestId: string, draft: CheckedDraft) => void
  readonly draftOf: (requestId: string) => CheckedDraft | null
}

/**
 * No request is drawn for the audit sample and no answer comes from the cache, so that the same rows give the same routes. With stage `accept` every task is
 * evaluated as if it were rolled out. A frontier that is assumed right needs no key.
 */
export function evalSetup(loaded: LoadedPolicy, { frontier, stage, estimate }: EvalPlan): EvalSetup {
  const current = new AsyncLocalStorage<EvalRow>()
  const policy: Policy = {
    ...loaded.policy,
    cache: { ...loaded.policy.cache, exact: false },
    // Answers that nobody was paid for must not count as spent.
    ...(frontier !== 'called' && { budgets: NO_CEILING }),
    tasks: Object.fromEntries(
      Object.entries(loaded.policy.tasks).map(([name, task]) => [
        name,
        {
          ...task,
          accept: { ...task.accept, auditRate: 0 },
          ...(stage === 'accept' && task.stage !== 'off' && { stage: 'accept' as const }),
        },
      ]),
    ),
  }
  const within: EvalSetup['within'] = (row, work) => current.run(row, work)
  const drafts = new Map<string, CheckedDraft>()
  const heard: Pick<EvalSetup, 'onDraft' | 'draftOf'> = {
    onDraft: (requestId, draft) => void drafts.set(requestId, draft),
    draftOf: (requestId) => drafts.get(requestId) ?? null,
  }
  if (frontier === 'called') return { loaded: { ...loaded, policy }, models: {}, within, ...heard }
  const frontiers = Object.entries(policy.models).filter(([, { tier }]) => tier === 'frontier')
  const expected = (): string => rightAnswer(current.getStore())
  const models = Object.fromEntries(
    frontiers.map(([name, { model }]) => [name, standInFrontier({ name, model, says: expected, estimate })]),
  )
  return { loaded: { ...loaded, policy, missingKeys: {} }, models, within, ...heard }
}

const NO_CEILING = budgetsSchema.parse({})

function rightAnswer(row: EvalRow | undefined): string {
  const first = row?.expected?.[0]
  return first === undefined ? '' : (first ?? NO_ANSWER)
}

export interface Evaluation {
  readonly rows: readonly EvalRow[]
  readonly router: Router
  readonly setup: EvalSetup
  readonly results: ResultsFile
  /** Rows at once, at least 1. */
  readonly parallel: number
  readonly price: Price
  readonly signal: AbortSignal
  readonly told: (done: number) => void
}

/** @returns the results in the order of the rows @throws RouterError cancelled; what is done stays in the results file */
export async function evaluate(evaluation: Evaluation): Promise<readonly RowResult[]> {
  const { rows, router, setup, results, parallel, price, signal, told } = evaluation
  const found = new Map(results.done.map((result) => [result.id, result]))
  const open = rows.filter(({ id }) => !found.has(id))
  const next = open.values()
  told(found.size)
  const worker = async (): Promise<void> => {
    for (const row of next) {
      if (signal.aborted) throw new RouterError('cancelled', { requestId: row.id })
      const context = { router, policy: setup.loaded.policy, draftOf: setup.draftOf, price, signal }
      const result = await setup.within(row, () => evaluateRow(row, context))
      results.append(result)
      found.set(row.id, result)
      told(found.size)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, open.length) }, worker))
  return rows.flatMap(({ id }) => found.get(id) ?? [])
}
