import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { serveProcess } from '../support/serve-process.ts'
import { type Sandbox, sandbox } from './spillway.ts'

const KEY = { SPILLWAY_CONTENT_KEY: Buffer.alloc(32, 7).toString('base64') }
const STOPPED = 'Is CVE-2024-3094 in our image?'

let box: Sandbox
let local: ScriptedCloud
let written = ''
beforeAll(async () => {
  box = sandbox()
  local = await startScriptedCloud()
  local.otherwise(openAiText('The local answer.'))
  policy('text')
})
afterAll(async () => {
  await box.close()
  await local.close()
})

function policy(keep: 'none' | 'text'): void {
  const small = { provider: 'openai', model: 'small', tier: 'local_fast', baseUrl: local.openAiBaseUrl }
  const task = {
    local: 'small',
    frontier: false,
    stage: 'accept',
    accept: { uncalibrated: true },
    gates: { entropyNats: null },
  }
  const tasks = { triage: task, verdict: { ...task, kind: 'choice', labels: ['yes', 'no'] } }
  written = JSON.stringify({ models: { small }, tasks, review: { keep } })
  writeFileSync(join(box.folder, 'spillway.yaml'), written)
}

const run = (args: readonly string[], input = '') => box.run(args, { input, env: KEY })
const held = async (...args: string[]) => JSON.parse((await run(['review', 'held', ...args, '--json'])).stdout)
async function hold(task = 'triage'): Promise<string> {
  const asked = await run(['ask', STOPPED, '--task', task, '--json'])
  expect(asked.exitCode).toBe(5)
  return JSON.parse(asked.stdout).held.id
}

describe('spillway review held', () => {
  it('shows what waits and what was asked, and takes an answer, a release and a refusal, each with who and why', async () => {
    const ids = [await hold(), await hold(), await hold()]
    const { held: waiting } = await held()
    expect(waiting).toMatchObject(
      ids.map((id) => ({ id, state: 'waiting', reason: 'hard_stop_security', hasText: true })),
    )
    expect((await run(['review', 'held', 'list'])).stdout).toMatch(
      new RegExp(`^${ids[0]} +triage +waiting +hard_stop`, 'm'),
    )
    const [answered = '', released = '', refused = ''] = ids
    expect((await run(['review', 'held', 'show', answered])).stdout).toBe(`user: ${STOPPED}\n`)
    expect(await held('answer', answered, '--text', 'No.', '--by', 'ann', '--why', 'looked')).toMatchObject({
      state: 'answered',
      decision: { action: 'answer', by: 'ann', why: 'looked' },
      outcome: { answer: 'No.', decision: { route: 'human' } },
    })
    const out = await run(['review', 'held', 'release', released, '--why', 'harmless', '--by', 'ann'])
    expect(out.stdout).toBe(`${released}: answered (ann), by small: The local answer.\n`)
    expect(await held('refuse', refused, '--why', 'not ours')).toMatchObject({
      state: 'refused',
      decision: { why: 'not ours' },
    })
    expect((await held('--state', 'all')).held).toHaveLength(3)
    expect((await run(['review', 'held'])).stderr).toContain('Nothing is held.')
    const events = JSON.parse((await run(['audit', 'events', '--json'])).stdout)
    expect(events.map(({ kind, what }: { kind: string; what: { action: string } }) => [kind, what.action])).toEqual([
      ['held', 'read'],
      ['held', 'answer'],
      ['held', 'release'],
      ['held', 'refuse'],
    ])
    expect((await run(['audit', 'show', answered, '--json'])).stdout).toContain('"action":"answer"')
    expect((await run(['why', released])).stdout).toMatch(/^decided +release as \S+, by ann: harmless$/m)
    const queue = JSON.parse((await run(['review', 'queue', '--json'])).stdout)
    expect(queue.items.map(({ requestId }: { requestId: string }) => requestId)).not.toContain(answered)
  })

  it('reads an answer from a pipe or a file, and wants one of the labels where the task has some', async () => {
    const id = await hold('verdict')
    const wrong = await run(['review', 'held', 'answer', id], 'perhaps')
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr).toContain('none of the options of its task')
    writeFileSync(join(box.folder, 'answer.txt'), 'no\n')
    expect(await held('answer', id, '--file', 'answer.txt')).toMatchObject({ outcome: { answer: 'no' } })
    const piped = await hold()
    const answered = await run(['review', 'held', 'answer', piped, '--json'], 'From a pipe.')
    expect(JSON.parse(answered.stdout)).toMatchObject({ outcome: { answer: 'From a pipe.' } })
  })

  it('decides through the running server, with the server’s own keys', async () => {
    const id = await hold()
    const server = await serveProcess(box, { policy: written, env: KEY })
    const own = (...args: string[]) => box.run(['review', 'held', ...args])
    expect((await own('show', id, '--by', 'ann')).stdout).toBe(`user: ${STOPPED}\n`)
    expect((await own('list')).stdout).toContain(id)
    const refused = await own('release', id, '--why', 'x', '--to', 'huge')
    expect(refused.exitCode).toBe(5)
    expect(refused.stderr).toContain('there is no model huge')
    expect((await own('release', id, '--why', 'harmless')).stdout).toContain('by small: The local answer.')
    const late = await own('answer', id, '--text', 'late')
    expect(late.exitCode).toBe(1)
    expect(late.stderr).toContain('is answered')
    expect(await server.stop()).toBe(0)
  })

  it('lets its caller send it again where its text is not kept', async () => {
    policy('none')
    const id = await hold()
    const shown = await run(['review', 'held', 'show', id])
    expect(shown.exitCode).toBe(1)
    const released = await run(['review', 'held', 'release', id, '--why', 'harmless'])
    expect(released.stderr).toContain(`x-spillway-held: ${id}`)
    policy('text')
  })

  it.each([
    [['answer', 'nobody', '--text', 'x'], 1, 'There is no held request nobody'],
    [['answer', 'nobody'], 2, 'there is no answer'],
    [['answer', 'nobody', '--text', 'x', '--file', 'y'], 2, '--text and --file exclude each other'],
    [['answer', 'nobody', '--file', 'missing.txt'], 2, 'missing.txt cannot be read'],
    [['release', 'nobody'], 2, '--why'],
    [['refuse', 'nobody', '--why', 'x', '--by', ' '], 2, '--by names nobody'],
    [['list', '--state', 'gone'], 2, '--state gone is not known'],
  ])('says what is wrong with %j', async (args, exitCode, message) => {
    const finished = await run(['review', 'held', ...args])
    expect(finished.stderr).toContain(message)
    expect(finished.exitCode).toBe(exitCode)
  })
})
