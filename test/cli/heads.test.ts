import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolvePaths } from '../../src/models/paths.ts'
import { openKeptExamples } from '../../src/stores/kept-examples.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
tasks:
  topic: { kind: choice, labels: [sports, cooking], local: small, learn: { keep: text }, accept: { uncalibrated: true } }
  chat: { local: small }
`
const SPORTS = ['won the match', 'scored a late goal', 'lost the final', 'ran the marathon', 'signed a striker']
const COOKING = ['baked the bread', 'stirred the soup', 'fried the onions', 'roasted a chicken', 'whisked the eggs']
const WHO = ['Anna', 'The team', 'My uncle', 'Our guest', 'The old man', 'Maria', 'They', 'Peter', 'She', 'The twins']

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  const book = openKeptExamples(join(resolvePaths(box.env, process.platform).stateDir, 'examples'))
  const texts = WHO.flatMap((who) => SPORTS.flatMap((did, at) => [`${who} ${did}.`, `${who} ${COOKING[at]}.`]))
  texts.forEach((text, at) => {
    const label = { value: at % 2 === 0 ? 'sports' : 'cooking', source: 'frontier' as const }
    book.keep('topic', { requestId: `r${at}`, text, at: new Date().toISOString(), isFair: true, label })
  })
})
afterAll(() => box.close())

const json = (text: string) => JSON.parse(text)

describe('spillway heads', () => {
  it('learns from kept examples with the real model, decides by what it learned, and steps back', async () => {
    const dry = await box.run(['heads', 'fit', '--dry-run', '--json'])
    expect(dry.exitCode).toBe(0)
    expect(json((await box.run(['heads', 'list', '--json'])).stdout)).toEqual([])
    const fit = await box.run(['heads', 'fit', 'topic', '--json'])
    expect(json(fit.stdout)).toMatchObject([{ task: 'topic', action: 'promoted', why: null }])
    const [{ gain, trainedOn, heldBack }] = json(fit.stdout)
    expect(trainedOn + heldBack).toBe(100)
    expect(gain.after).toBeGreaterThan(0.9)
    const listed = await box.run(['heads', 'list', '--json'])
    expect(json(listed.stdout)).toMatchObject([{ task: 'topic', version: 1, examples: trainedOn, inForce: true }])
    const asked = await box.run(['ask', '--task', 'topic', '--json', 'The goalkeeper saved a penalty.'])
    expect(json(asked.stdout)).toMatchObject({ answer: 'sports' })
    const again = await box.run(['heads', 'fit'])
    expect(again.stdout).toContain('topic: not fitted (there is no new example)')
    const back = await box.run(['heads', 'fit', '--rollback'])
    expect(back.stdout).toContain('the policy decides again')
    expect((await box.run(['heads', 'fit', '--rollback', '--json'])).stdout.trim()).toBe('[]')
  })

  it('forgets the texts of a task', async () => {
    expect(json((await box.run(['heads', 'forget', 'topic', '--json'])).stdout)).toEqual({
      task: 'topic',
      forgotten: 101,
    })
    const fit = await box.run(['heads', 'fit'])
    expect(fit.stdout).toContain('topic: not fitted (there are fewer than 3 examples of the label sports)')
  })

  it.each([
    [['heads', 'fit', 'topc'], 'topc'],
    [['heads', 'fit', 'chat'], 'task chat learns no head'],
    [['heads', 'fit', '--dry-run', '--rollback'], 'exclude each other'],
  ])('says what is wrong with %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await box.run(args)
    expect(exitCode).not.toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
  })
})
