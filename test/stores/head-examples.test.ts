import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPolicyFile } from '../../src/stores/policy-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-examples-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const GOOD = ['a', 'b']
  .flatMap((label) => [1, 2, 3].map((n) => JSON.stringify({ text: `text ${n}`, label })))
  .join('\n')

async function load(examples: string, changes = 'kind: choice\n    labels: [a, b]'): Promise<unknown> {
  await writeFile(join(folder, 'examples.jsonl'), examples)
  await writeFile(
    join(folder, 'policy.yaml'),
    `tasks:\n  sort:\n    ${changes}\n    head:\n      examples: examples.jsonl\n`,
  )
  return loadPolicyFile(join(folder, 'policy.yaml'), {})
}

function failure(problem: string, fix: string, path = 'tasks.sort.head.examples (line 6:7)'): object {
  return { code: 'policy_invalid', values: { file: join(folder, 'policy.yaml'), path, problem, fix } }
}

describe('the examples of a head', () => {
  it('are read with the policy, from beside it, and change its digest', async () => {
    const loaded = await load(`${GOOD}\n\n`)
    expect(loaded).toMatchObject({ policy: { tasks: { sort: { head: { examples: 'examples.jsonl' } } } } })
    const { heads, digest } = loaded as ReturnType<typeof loadPolicyFile>
    expect(heads.get('sort')).toMatchObject({ options: ['a', 'b'] })
    expect(heads.get('sort')?.rows).toHaveLength(6)
    expect(heads.get('sort')?.rows[3]).toEqual({ text: 'text 1', label: 'b' })
    expect(await load(GOOD.replace('text 1', 'text 9'))).not.toMatchObject({ digest })
  })

  it('that are missing are named with the path', async () => {
    const path = join(folder, 'policy.yaml')
    await writeFile(
      path,
      'tasks:\n  sort:\n    kind: choice\n    labels: [a, b]\n    head:\n      examples: nowhere.jsonl\n',
    )
    const problem = `the examples ${join(folder, 'nowhere.jsonl')} cannot be read`
    expect(() => loadPolicyFile(path, {})).toThrow(
      expect.objectContaining(failure(problem, 'Correct the path, or remove head.')),
    )
  })

  it('that are wrong are named with the line and the fix', async () => {
    const file = join(folder, 'examples.jsonl')
    const form = 'Write one {"text": "…", "label": "…"} in every line.'
    await expect(load(`${GOOD}\n{"text": "x", "label"`)).rejects.toMatchObject(
      failure(`line 7 of ${file} is not an example`, form),
    )
    await expect(load(`{"text": "x"}\n${GOOD}`)).rejects.toMatchObject(
      failure(`line 1 of ${file} is not an example`, form),
    )
    await expect(load(`${GOOD}\n{"text": "x", "label": "c"}`)).rejects.toMatchObject(
      failure(`line 7 of ${file} has the unknown label c`, 'Labels: a, b.'),
    )
    await expect(load(GOOD.split('\n').slice(1).join('\n'))).rejects.toMatchObject(
      failure(`${file} holds 2 examples of the label a`, 'Write at least 3 of every label; a few dozen are better.'),
    )
  })

  it('belong to choices, yes-or-no questions and similarities only', async () => {
    await expect(load(GOOD, 'kind: text')).rejects.toMatchObject(
      failure('kind text takes no head', 'Use kind choice, boolean or similarity.', 'tasks.sort.head (line 4:5)'),
    )
  })
})
