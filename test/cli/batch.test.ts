import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAiText } from '../support/cloud-answers.ts'
import { type RecordedRequest, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy } from '../support/serve-process.ts'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
let cloud: ScriptedCloud

beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise((request) => answerTo(request))
})
afterEach(async () => {
  await box.close()
  await cloud.close()
})

type Line = Readonly<Record<string, unknown>>

const ENV = { CLOUD_KEY: 'simulated' }

function answerTo(request: RecordedRequest) {
  const reply = openAiText(`answer to ${wordsOf(request)}`)
  return typeof reply === 'function' ? reply(request) : reply
}

function wordsOf({ body }: Pick<RecordedRequest, 'body'>): string {
  const messages = body.messages as readonly { readonly content: string }[]
  return messages.at(-1)?.content ?? ''
}

function write(name: string, text: string): string {
  const file = join(box.folder, name)
  writeFileSync(file, text)
  return file
}

function rowsFile(rows: readonly unknown[]): string {
  return write('rows.jsonl', rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))
}

function lines(name: string): readonly Line[] {
  const file = join(box.folder, name)
  if (!existsSync(file)) return []
  const text = readFileSync(file, 'utf8')
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
}

const idsOf = (name: string) => lines(name).map(({ custom_id, id }) => String(custom_id ?? id))

function batch(args: readonly string[] = []): Promise<Finished> {
  return box.run(['batch', 'run', 'rows.jsonl', '--json', ...args], { env: ENV })
}

function chatRow(id: string, content: string, more: Line = {}): Line {
  return {
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'auto', messages: [{ role: 'user', content }], ...more },
  }
}

describe('rows of a file', () => {
  it('are answered in the form they came in, by the router, each with its record', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    // As an editor of another system may write it.
    rowsFile([
      `\uFEFF${JSON.stringify(chatRow('a', 'first'))}\r`,
      { id: 'b', input: 'second', task: 'direct' },
      { id: 7, text: 'third' },
    ])
    const finished = await batch()
    expect(finished).toMatchObject({ exitCode: 0, stderr: '' })
    const report = JSON.parse(finished.stdout) as Line
    expect(report).toMatchObject({
      rows: { total: 3, before: 0, answered: 3, failed: 0, bad: 0, left: 0 },
      stopped: null,
    })
    const byId = new Map(lines('rows.output.jsonl').map((line) => [line.custom_id ?? line.id, line]))
    expect(byId.get('a')).toMatchObject({
      response: { status_code: 200, body: { object: 'chat.completion', spillway: { route: 'frontier' } } },
      error: null,
    })
    expect(byId.get('b')).toMatchObject({ task: 'direct', answer: 'answer to second', route: 'frontier' })
    expect(byId.get('7')).toMatchObject({ answer: 'answer to third' })
    const { requestId } = byId.get('b') ?? {}
    expect((await box.run(['why', String(requestId), '--json'])).exitCode).toBe(0)
    expect(existsSync(join(box.folder, 'rows.output.jsonl.asked'))).toBe(false)
  })

  it('that are wrong are told by their line and kept apart, and the others run', async () => {
    write('spillway.yaml', `${cloudPolicy(cloud.openAiBaseUrl)}gateway: { maxBodyBytes: 2048 }\n`)
    rowsFile([
      chatRow('a', 'first'),
      'not json',
      chatRow('a', 'again'),
      { id: 'c', input: 'x', task: 'nope' },
      { id: 'd', input: 'x'.repeat(3000) },
      chatRow('e', 'x', { stream: true }),
      { ...chatRow('f', 'x'), url: '/v1/audio' },
      { id: 'g' },
      { id: 'h', input: 'last' },
    ])
    const finished = await batch()
    expect(finished.exitCode).toBe(1)
    const report = JSON.parse(finished.stdout) as { readonly badRows: readonly Line[] }
    expect(report.badRows.map(({ line, code }) => [line, code])).toEqual([
      [2, 'request_invalid'],
      [3, 'request_invalid'],
      [4, 'unknown_task'],
      [5, 'body_too_large'],
      [6, 'request_invalid'],
      [7, 'request_invalid'],
      [8, 'request_invalid'],
    ])
    expect(idsOf('rows.output.jsonl').toSorted()).toEqual(['a', 'h'])
    expect(lines('rows.errors.jsonl')).toMatchObject([2, 3, 4, 5, 6, 7, 8].map((line) => ({ line, response: null })))
    const again = await batch()
    expect(again.exitCode).toBe(1)
    expect(lines('rows.errors.jsonl')).toHaveLength(7)
    expect(cloud.requests).toHaveLength(2)
  })

  it('of one task and beginning are asked one after the other', async () => {
    const tasks =
      '{ one: { local: false, pattern: direct, frontier: cloud }, two: { local: false, pattern: direct, frontier: cloud } }'
    write(
      'spillway.yaml',
      cloudPolicy(cloud.openAiBaseUrl)
        .replace(/^tasks:.*$/m, `tasks: ${tasks}`)
        .replace('direct }', 'one }'),
    )
    rowsFile([
      { id: 'a', input: 'p', task: 'two' },
      { id: 'b', input: 'q', task: 'one' },
      { id: 'c', input: 'a p', task: 'two' },
      { id: 'd', input: 'a q', task: 'one' },
    ])
    expect((await batch(['--parallel', '1'])).exitCode).toBe(0)
    expect(cloud.requests.map(wordsOf)).toEqual(['a q', 'q', 'a p', 'p'])
  })
})

describe('a run that was killed', () => {
  it('goes on: every row has one line, and no frontier was called twice for a row', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    const names = Array.from({ length: 30 }, (_, index) => `row-${index}`)
    rowsFile(names.map((name) => ({ id: name, input: name })))
    // From the seventh call on nothing is answered any more: the process dies with calls under way.
    let calls = 0
    cloud.otherwise((request) => {
      calls += 1
      return calls > 6 ? 'hang' : answerTo(request)
    })
    const child = box.start(['batch', 'run', 'rows.jsonl', '--parallel', '3'], ENV)
    await cloud.request(8)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(idsOf('rows.output.jsonl')).toHaveLength(6)
    cloud.otherwise((request) => answerTo(request))
    const finished = await batch()
    expect(finished.exitCode).toBe(1)
    const all = [...idsOf('rows.output.jsonl'), ...idsOf('rows.errors.jsonl')]
    expect(all.toSorted()).toEqual(names.toSorted())
    expect(lines('rows.errors.jsonl').map(({ error }) => (error as Line).code)).toEqual(
      Array.from({ length: 3 }, () => 'batch_row_interrupted'),
    )
    const asked = cloud.requests.map(wordsOf)
    expect(asked.toSorted()).toEqual(names.toSorted())
    // Whoever wants the lost answers says so.
    expect((await batch(['--retry-failed'])).exitCode).toBe(0)
    expect(idsOf('rows.output.jsonl').toSorted()).toEqual(names.toSorted())
    expect(idsOf('rows.errors.jsonl')).toEqual([])
    expect(cloud.requests).toHaveLength(33)
  })

  it('takes away a line that was cut off, and asks its row again where nobody was paid', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    rowsFile([
      { id: 'a', input: 'What is 1+1?' },
      { id: 'b', input: 'What is 2+2?' },
    ])
    expect((await batch()).exitCode).toBe(0)
    const [first, second] = readFileSync(join(box.folder, 'rows.output.jsonl'), 'utf8').split('\n')
    write('rows.output.jsonl', `${first}\n${second?.slice(0, 20)}`)
    // Without the sign of an open run the half line is somebody else's.
    expect((await batch()).stderr).toContain('lines that no batch wrote')
    write('rows.output.jsonl.asked', '')
    expect((await batch()).exitCode).toBe(0)
    expect(idsOf('rows.output.jsonl').toSorted()).toEqual(['a', 'b'])
  })

  it('does not go on with rows that say something else now', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    rowsFile([
      { id: 'a', input: 'x' },
      { id: 'b', input: 'y' },
    ])
    cloud.otherwise('hang')
    const child = box.start(['batch', 'run', 'rows.jsonl'], ENV)
    await cloud.request(1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    rowsFile([{ id: 'a', input: 'changed' }])
    const finished = await batch()
    expect(finished).toMatchObject({ exitCode: 2, stdout: '' })
    expect(finished.stderr).toContain('says something else now')
  })

  it('by Ctrl-C ends the rows under way, tells what is left and goes on later', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    rowsFile(Array.from({ length: 5 }, (_, index) => ({ id: `${index}`, input: `row ${index}` })))
    const release = Promise.withResolvers<void>()
    cloud.enqueue((request) => ({ ...(answerTo(request) as { pieces: [] }), held: release.promise }))
    const child = box.start(['batch', 'run', 'rows.jsonl', '--parallel', '1', '--json'], ENV)
    let stdout = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    await cloud.request(0)
    child.kill('SIGINT')
    await expect.poll(() => stderr).toContain('Stopping: the rows under way end first.')
    const closed = once(child, 'close')
    release.resolve()
    const [exitCode] = (await closed) as [number]
    expect(exitCode).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ rows: { answered: 1, left: 4 }, stopped: { reason: 'interrupted' } })
    expect((await batch()).exitCode).toBe(0)
    expect(cloud.requests).toHaveLength(5)
  })
})

describe('what stands in the way of all rows', () => {
  it('a budget that is gone ends the run with 5, and a higher one goes on with what is left', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl, 'budgets: { day: 0.5 }'))
    // A call reserves what it may cost at most.
    rowsFile(Array.from({ length: 6 }, (_, index) => chatRow(`${index}`, `row ${index}`, { max_tokens: 1000 })))
    cloud.otherwise((request) => {
      const reply = openAiText(`answer to ${wordsOf(request)}`, { usage: { input: 20, output: 1000 } })
      return typeof reply === 'function' ? reply(request) : reply
    })
    const finished = await batch(['--parallel', '1'])
    expect(finished.exitCode).toBe(5)
    const report = JSON.parse(finished.stdout) as { readonly rows: Record<string, number> }
    expect(report).toMatchObject({ stopped: { reason: 'budget_exhausted' }, rows: { failed: 0 } })
    const { answered = 0, left = 0 } = report.rows
    expect(answered).toBeGreaterThan(0)
    expect(answered + left).toBe(6)
    expect(cloud.requests).toHaveLength(answered)
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl, 'budgets: { day: 20 }'))
    expect((await batch()).exitCode).toBe(0)
    expect(idsOf('rows.output.jsonl').toSorted()).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(cloud.requests).toHaveLength(6)
  })

  it('an order of the kill switch does the same', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    rowsFile([{ id: 'a', input: 'x' }])
    await box.run(['kill', 'stop', '--reason', 'drill'], { env: ENV })
    const finished = await batch()
    expect(finished.exitCode).toBe(5)
    expect(JSON.parse(finished.stdout)).toMatchObject({ rows: { left: 1 }, stopped: { reason: 'kill_switch' } })
    await box.run(['kill', 'off', '--reason', 'done'], { env: ENV })
    expect((await batch()).exitCode).toBe(0)
  })

  it('a provider that asks to wait is waited for', async () => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    rowsFile([{ id: 'a', input: 'x' }])
    const busy = { status: 429, headers: { 'retry-after': '1' }, pieces: ['{"error":{"message":"slow"}}'] }
    cloud.enqueue(busy, busy, busy)
    expect((await batch()).exitCode).toBe(0)
    expect(idsOf('rows.output.jsonl')).toEqual(['a'])
  })
})

describe('bad input', () => {
  it.each([
    ['no file', ['none.jsonl'], 'There is no file none.jsonl'],
    ['a folder', ['.'], '. is no file'],
    ['a pipe', ['-'], 'A batch cannot come through a pipe'],
    ['no row', ['empty.jsonl'], 'empty.jsonl holds no row'],
    ['only bad rows', ['bad.jsonl'], 'line 1'],
    ['its own result', ['rows.jsonl', '--out', 'rows.jsonl'], 'written over by its own result'],
    ['an unknown task', ['rows.jsonl', '--task', 'nope'], 'Task nope is not in the policy'],
    ['no number', ['rows.jsonl', '--parallel', '0'], '--parallel 0 is not a whole number from 1 to 64'],
    [
      'a folder that is not there',
      ['rows.jsonl', '--out', 'none/out.jsonl'],
      'none/out.jsonl cannot be written (ENOENT)',
    ],
    ['a result that is none', ['rows.jsonl', '--out', 'spillway.yaml'], 'lines that no batch wrote'],
  ])('%s is told with a fix and 2', async (_, args, words) => {
    write('spillway.yaml', cloudPolicy(cloud.openAiBaseUrl))
    write('empty.jsonl', '\n\n')
    write('bad.jsonl', 'nothing\n')
    rowsFile([{ id: 'a', input: 'x' }])
    const before = readFileSync(join(box.folder, 'spillway.yaml'), 'utf8')
    const finished = await box.run(['batch', 'run', ...args], { env: ENV })
    expect(finished).toMatchObject({ exitCode: 2, stdout: '' })
    expect(finished.stderr).toContain(words)
    expect(finished.stderr).toContain('fix')
    expect(readFileSync(join(box.folder, 'spillway.yaml'), 'utf8')).toBe(before)
    rmSync(join(box.folder, 'rows.output.jsonl'), { force: true })
    expect(cloud.requests).toHaveLength(0)
  })
})
