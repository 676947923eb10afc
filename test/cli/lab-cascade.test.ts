import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomFrom } from '../../src/learn/random.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  const draw = randomFrom(7)
  const lines = Array.from({ length: 600 }, (_, at) => {
    const right = [draw() < 0.8, draw() < 0.98]
    const a = right.map((one, model) => (one ? 'yes' : `no ${model}`))
    // A short answer of the small model is a wrong one.
    const len = [right[0] ? 90 : 10, 50]
    return JSON.stringify({ id: at, split: at % 2 ? 'dev' : 'train', s: right.map(Number), a, len })
  })
  writeFileSync(join(box.folder, 'mine.jsonl'), lines.join('\n'))
  const models = Array.from({ length: 13 }, (_, at) => `m${at}`)
  writeFileSync(join(box.folder, 'many.jsonl'), JSON.stringify({ id: 1, s: models.map(() => 1) }))
  writeFileSync(
    join(box.folder, 'manifest.json'),
    JSON.stringify({ mine: { models: ['small', 'large'] }, many: { models } }),
  )
})
afterAll(() => box.close())

const PRICED = ['mine.jsonl', '--price', 'small=0.1', '--price', 'large=10']

describe('spillway lab cascade', () => {
  it('proposes an order with thresholds and reports it as JSON', async () => {
    const { exitCode, stdout } = await box.run(['lab', 'cascade', ...PRICED, '--min-quality', '0.98', '--json'])
    expect(exitCode).toBe(0)
    const report = JSON.parse(stdout)
    expect(Object.keys(report).sort()).toEqual(
      [
        ...['best', 'cheapest', 'dev', 'isWorthIt', 'minQuality', 'models', 'oracle', 'prices', 'proposed'],
        ...['recording', 'train', 'why'],
      ].sort(),
    )
    expect(report).toMatchObject({
      recording: 'mine',
      prices: { small: 0.1, large: 10 },
      minQuality: 0.98,
      proposed: [{ model: 'small' }, { model: 'large', threshold: 0 }],
      dev: { n: 300 },
      isWorthIt: true,
    })
  })

  it('says the same to people', async () => {
    const { exitCode, stdout } = await box.run(['lab', 'cascade', ...PRICED, '--min-quality', '0.98'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/1\. small: accept from 0\.\d{3}; answers \d+\.\d %\n {2}2\. large: accept always/)
    expect(stdout).toContain('always large (best)')
    expect(stdout).toContain('\nworth it: It saves ')
  })

  it.each([
    [['mine.jsonl', '--min-quality', '0.98', '--price', 'small=1'], '--price is missing for large'],
    [['mine.jsonl', '--min-quality', '0.98', '--price', 'smal=1'], 'smal is not in the recording mine'],
    [['mine.jsonl', '--min-quality', '0.98', '--models', 'huge'], 'huge is not in the recording mine'],
    [['mine.jsonl', '--min-quality', '0.98', '--models', ','], '--models names no model'],
    [['mine.jsonl', '--min-quality', '0.98', '--price', 'small'], '--price small is not model=price'],
    [['mine.jsonl', '--min-quality', '0.98', '--price', 'small=-1,large=1'], '-1 is no price'],
    [['mine.jsonl', '--min-quality', '0.98', '--price', 'small=,large=1'], 'nothing is no price'],
    [[...PRICED, '--min-quality', '1.01'], '--min-quality 1.01 is not above 0 and at most 1'],
    [[...PRICED, '--min-quality', 'high'], '--min-quality high is not above 0'],
    [PRICED, "'--min-quality <share>' not specified"],
    [
      ['many.jsonl', '--min-quality', '0.9', '--price', Array.from({ length: 13 }, (_, at) => `m${at}=1`).join(',')],
      '13 models are too many to try',
    ],
    [['nowhere.jsonl', '--min-quality', '0.98'], 'no entry nowhere'],
  ])('refuses %s', async (args, message) => {
    const found = await box.run(['lab', 'cascade', ...args])
    expect(found).toMatchObject({ exitCode: 2, stdout: '' })
    expect(found.stderr).toContain(message)
    expect(found.stderr).not.toMatch(/\n\s+at /)
  })

  it('refuses a recording without rows to report on', async () => {
    writeFileSync(join(box.folder, 'many.jsonl'), JSON.stringify({ id: 1, s: Array.from({ length: 13 }, () => 1) }))
    const { exitCode, stderr } = await box.run([
      ...['lab', 'cascade', 'many.jsonl', '--models', 'm1', '--price', 'm1=1', '--min-quality', '0.9', '--json'],
    ])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.message).toContain('no row with "split": "train"')
  })
})
