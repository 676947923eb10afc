/** Whether what a solver answers is ever sent to a frontier: arithmetic questions put to a cascade. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Router } from '../../spec/router.ts'
import { taskName } from './conditions.ts'
import type { SolverCheck } from './numbers.ts'

/** @returns null without `tasks/multistep_arithmetic.jsonl` */
export async function checkSolvers(router: Router, folder: string, signal: AbortSignal): Promise<SolverCheck | null> {
  const file = join(folder, 'tasks', 'multistep_arithmetic.jsonl')
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8').split('\n')
  const questions = lines.filter((line) => line.trim() !== '').slice(0, MOST)
  const check = { asked: questions.length, solved: 0, escalatedThoughSolved: 0 }
  for (const line of questions) {
    const { input } = JSON.parse(line) as { readonly input: string }
    const request = {
      messages: [{ role: 'user' as const, content: input }],
      metadata: { task: taskName('gsm8k', 'cascade') },
    }
    if (router.route(request).solver === null) continue
    check.solved += 1
    const { attempts } = await router.complete(request, { signal })
    if (attempts.some(({ actor }) => actor === 'frontier')) check.escalatedThoughSolved += 1
  }
  return check
}

const MOST = 50
