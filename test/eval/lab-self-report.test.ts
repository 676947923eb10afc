import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settingFor } from '../../src/eval/lab/fitted.ts'
import { METHODS } from '../../src/eval/lab/methods.ts'
import { readRecording } from '../../src/eval/lab/recording.ts'
import { type LabScore, neededOf, scoreOf } from '../../src/eval/lab/run.ts'
import { tableMarkdown } from '../../src/eval/lab/table.ts'
import { randomFrom } from '../../src/learn/random.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-lab-'))
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ said: { models: ['small', 'big'] }, silent: { models: ['small', 'big'] } }),
  )
  const draw = randomFrom(3)
  const rows = Array.from({ length: 900 }, (_, at) => {
    const isRight = draw() < 0.6
    // A boaster: 6 to 10 whether right or wrong, a little higher when right. Asked again, it knows better.
    const conf = Math.min(10, 6 + Math.floor(4 * draw() + (isRight ? 1.5 : 0)))
    const verify = Math.min(1, Math.max(0, (isRight ? 0.7 : 0.4) + 0.5 * (draw() - 0.5)))
    const plain = { id: at, split: at < 600 ? 'train' : 'dev', q: `question ${at}`, s: [isRight ? 1 : 0, 1] }
    // One row in ten holds neither field.
    return { plain, said: at % 10 === 0 ? plain : { ...plain, conf: [conf, null], verify: [verify, null] } }
  })
  writeFileSync(join(folder, 'said.jsonl'), rows.map(({ said }) => JSON.stringify(said)).join('\n'))
  writeFileSync(join(folder, 'silent.jsonl'), rows.map(({ plain }) => JSON.stringify(plain)).join('\n'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function scores(name: string): ReadonlyMap<string, LabScore> {
  const recording = readRecording(join(folder, `${name}.jsonl`))
  const setting = { ...settingFor(recording, { local: 'small', frontier: 'big' }), kind: 'after' as const }
  const context = { setting, models: recording.models }
  const [train, dev] = ['train', 'dev'].map((part) => recording.rows.filter(({ split }) => split === part))
  const found = METHODS.filter((method) => method.applies(context, recording.rows)).map((method) => {
    const state = JSON.parse(JSON.stringify(method.fit(train ?? [], context, 1)))
    return scoreOf(neededOf(dev ?? [], { method, state, context }), { method: method.name, context, seed: 1 })
  })
  return new Map(found.map((score) => [score.method, score]))
}

describe('what a model says of its own answer', () => {
  it('is a baseline for recordings that hold it, and none for the others', () => {
    const [said, silent] = [scores('said'), scores('silent')]
    expect([...silent.keys()].filter((name) => name.startsWith('self-'))).toEqual([])
    expect([...said.keys()].filter((name) => name.startsWith('self-'))).toEqual([
      'self-reported confidence',
      'self-verification',
    ])
    expect(said.get('self-reported confidence')?.auroc).toBeGreaterThan(0.6)
    expect(said.get('self-verification')?.auroc).toBeGreaterThan(0.75)
    expect(said.get('self-verification')?.localRunsPerRequest).toBe(2)
  })

  it('escalates a confidence below 8 by custom, and what says nothing before all', () => {
    const recording = readRecording(join(folder, 'said.jsonl'))
    const context = { setting: settingFor(recording, {}), models: recording.models }
    const needOf = (name: string, said: Partial<(typeof recording.rows)[0]>): number => {
      const method = METHODS.find((one) => one.name === name)
      const [row] = recording.rows
      if (!method || !row) throw new Error('no such method or row')
      return method.need({}, { ...row, ...said }, context)
    }
    const cut = METHODS.find(({ name }) => name === 'self-reported confidence')?.usualCut ?? Number.NaN
    const needs = [10, 8, 7, 1, null].map((said) => needOf('self-reported confidence', { confidences: [said, 10] }))
    expect(needs).toEqual([0, 2, 3, 9, 10])
    expect(needs.map((need) => need > cut)).toEqual([false, false, true, true, true])
    expect([0.75, 0, null].map((said) => needOf('self-verification', { verifications: [said, 1] }))).toEqual([
      0.25, 1, 2,
    ])
  })

  it('is reported at the usual cut', () => {
    const usual = scores('said').get('self-reported confidence')?.usual
    expect(usual?.frontierShare).toBeGreaterThan(0.2)
    expect(usual?.frontierShare).toBeLessThan(0.6)
    // The frontier is always right here, the local model in six of ten.
    expect(usual?.quality).toBeGreaterThan(0.7)
    expect(scores('said').get('self-verification')?.usual).toBeNull()
  })

  it('is a figure of the learned method when it was asked again', () => {
    const [said, silent] = [scores('said').get('learned gain'), scores('silent').get('learned gain')]
    expect(silent?.auroc).toBeLessThan(0.6)
    expect(said?.auroc).toBeGreaterThan(0.75)
  })

  it('stands in the table with its AUROC', () => {
    const [head, , ...lines] = tableMarkdown([...scores('said').values()]).split('\n')
    const column = head?.split('|').findIndex((cell) => cell.trim() === 'AUROC') ?? -1
    const line = lines.find((one) => one.includes('| self-verification |'))
    expect(Number(line?.split('|')[column])).toBeGreaterThan(0.75)
  })

  it.each([
    ['{"id": 1, "s": [1, 0], "conf": [11, null]}', 'line 1: conf.0'],
    ['{"id": 1, "s": [1, 0], "conf": [0.5, 1]}', 'line 1: conf.0'],
    ['{"id": 1, "s": [1, 0], "verify": [1.5, null]}', 'line 1: verify.0'],
    ['{"id": 1, "s": [1, 0], "verify": [0.5]}', 'line 1: verify has 1 values for 2 models'],
    ['{"id": 1, "s": [1, 0], "conf": [1, 2, 3]}', 'line 1: conf has 3 values for 2 models'],
  ])('is refused when it is wrong: %s', (line, problem) => {
    const wrong = mkdtempSync(join(folder, 'wrong-'))
    writeFileSync(join(wrong, 'manifest.json'), JSON.stringify({ said: { models: ['small', 'big'] } }))
    writeFileSync(join(wrong, 'said.jsonl'), line)
    expect(() => readRecording(join(wrong, 'said.jsonl'))).toThrow(problem)
  })
})
