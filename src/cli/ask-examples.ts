/** Puts kept examples to the local model, with a head of choice and nothing else changed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AskedExample, AskedSetup } from '../eval/fit-head.ts'
import { passesHardChecks } from '../eval/labelled-drafts.ts'
import { evalSetup } from '../eval/run/evaluate.ts'
import { resolvePaths } from '../models/paths.ts'
import { usageOf } from '../models/usage.ts'
import type { AuditRecord } from '../spec/audit.ts'
import { RouterError } from '../spec/errors.ts'
import type { KeptExample } from '../spec/learned.ts'
import type { HeadExampleSet, LoadedPolicy } from '../spec/policy.ts'
import type { CliContext } from './context.ts'

export interface ExampleQuestion {
  readonly task: string
  readonly loaded: LoadedPolicy
  readonly head: HeadExampleSet | undefined
  readonly rows: readonly KeptExample[]
  readonly told: (done: number) => void
}

/** The frontier is not called: what the local model says is asked for. The requests leave no audit. */
export async function askExamples(question: ExampleQuestion, context: CliContext): Promise<AskedSetup> {
  const { task, loaded, head, rows, told } = question
  const { createRouter } = await import('../compose.ts')
  const auditDir = mkdtempSync(join(tmpdir(), 'spillway-examples-'))
  const plan = { frontier: 'assumed right', stage: 'accept' } as const
  const setup = evalSetup(loaded, { ...plan, estimate: (call, chars) => usageOf(null, call, chars) })
  const heads = { get: (name: string) => (name === task ? head : undefined) }
  const paths = resolvePaths(context.env, process.platform)
  const router = createRouter({
    policy: setup.loaded,
    models: setup.models,
    env: context.env,
    paths,
    auditDir,
    heads,
    onDraft: setup.onDraft,
  })
  const answers: AskedExample[] = []
  try {
    for (const [index, { requestId, text }] of rows.entries()) {
      if (context.signal.aborted) throw new RouterError('cancelled', { requestId })
      const asked = await router.decide({ task, input: text }, { signal: context.signal })
      const draft = setup.draftOf(asked.requestId)
      if (draft)
        answers.push({
          requestId,
          answer: draft.text,
          figures: draft.record.figures,
          passesChecks: passesHardChecks(asked.verdicts),
        })
      told(index + 1)
    }
    return { key: keyIn(router.audit({ task })), answers }
  } finally {
    await router.close()
    rmSync(auditDir, { recursive: true, force: true })
  }
}

function keyIn(records: readonly AuditRecord[]): AskedSetup['key'] {
  const found = records.find(({ draft, localModel }) => draft && localModel)
  if (!found?.draft || !found.localModel) return null
  const { digest, quantisation, servedBy } = found.localModel.identity
  return { digest, quantisation, servedBy, setup: found.draft.setup }
}
