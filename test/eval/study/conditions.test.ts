import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ASKED, PASSES, studyPolicy, taskName, whyNot } from '../../../src/eval/study/conditions.ts'
import { STUDY_SETS } from '../../../src/eval/study/sets.ts'
import { validatePolicy } from '../../../src/stores/policy-file.ts'

it('every set under every condition is a valid policy, and every condition is asked in one pass', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-study-'))
  try {
    const models = { provider: 'anthropic', frontier: 'claude-sonnet-4-6', cheap: 'claude-haiku-4-5' } as const
    const policy = studyPolicy({ models, sets: STUDY_SETS, examples: new Map(), alpha: 0.1, auditRate: 0 })
    const file = join(folder, 'spillway.yaml')
    writeFileSync(file, '')
    const loaded = validatePolicy(policy, { file, env: { ANTHROPIC_API_KEY: 'none' } })
    const wanted = STUDY_SETS.flatMap((set) =>
      ASKED.filter((condition) => whyNot(set, condition) === null).map((condition) => taskName(set, condition)),
    )
    expect(Object.keys(loaded.policy.tasks).toSorted()).toEqual(wanted.toSorted())
    expect(PASSES.flat().toSorted()).toEqual(ASKED.toSorted())
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
