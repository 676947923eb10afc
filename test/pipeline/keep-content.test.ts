import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRouter } from '../../src/compose.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import type { RequestMetadata } from '../../src/spec/request.ts'
import type { Router } from '../../src/spec/router.ts'
import { auditPaths, readAuditLog } from '../../src/stores/audit-log.ts'
import { readContent, readEvents } from '../../src/stores/kept-content.ts'
import { purgeStore } from '../../src/stores/purge.ts'
import { contentSealer } from '../../src/stores/sealed-content.ts'
import { scriptedModel } from '../../src/testing.ts'

const KEY = randomBytes(32).toString('base64')
const QUESTION = 'the marmalade question of Paddington'
const ANSWER = 'the marmalade answer of Mrs Bird'

let root = ''
let stateDir = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-content-'))
  stateDir = join(root, 'state')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function router(audit: PolicyInput['audit'], env: Record<string, string> = { SPILLWAY_CONTENT_KEY: KEY }): Router {
  const paths = { configDir: root, dataDir: join(root, 'data'), cacheDir: join(root, 'cache'), stateDir }
  return createRouter({
    policy: {
      models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', apiKey: '${env:KEY}' } },
      tasks: { chat: { frontier: 'big', local: false } },
      privacy: { localOnly: { unproven: 'serve_marked' } },
      audit,
    },
    env: { KEY: 'k', ...env },
    paths,
    models: {
      big: scriptedModel({
        name: 'big',
        answers: ({ messages }) =>
          JSON.stringify(messages).includes('fail') ? { fail: 'model_refused_request' } : ANSWER,
      }),
    },
  })
}

async function asked(open: Router, content = QUESTION, metadata: RequestMetadata = {}): Promise<string> {
  const messages = [{ role: 'user' as const, content }]
  return (await open.complete({ messages, metadata: { task: 'chat', ...metadata } })).requestId
}

/** In any file of the state directory: database, log and journals. */
function isOnDisk(text: string): boolean {
  return readdirSync(stateDir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(stateDir, name))
    .some((path) => statSync(path).isFile() && readFileSync(path).includes(text))
}

const sealer = (key = KEY) => contentSealer({ SPILLWAY_CONTENT_KEY: key })
const purge = (filter: Parameters<typeof purgeStore>[0]['filter']) =>
  purgeStore({ stateDir, filter, dryRun: false, monotonicMs: () => performance.now(), sleep: (ms) => delay(ms) })

describe('audit.content: replay', () => {
  it('keeps request and answer so that nobody without the key reads a word of them, while open and when closed', async () => {
    const open = router({ content: 'replay' })
    const id = await asked(open, QUESTION, { tenant: 'acme' })
    expect(isOnDisk('marmalade')).toBe(false)
    expect(readContent(stateDir, id, sealer())).toMatchObject({
      requestId: id,
      tenant: 'acme',
      request: { messages: [{ content: QUESTION }] },
      answer: { text: ANSWER, finishReason: 'stop' },
    })
    await open.close()
    expect(isOnDisk('marmalade')).toBe(false)
    const database = new DatabaseSync(auditPaths(stateDir).databasePath)
    const [row] = database.prepare('SELECT sealed FROM content').all()
    database.close()
    expect(Buffer.from(row?.sealed as Uint8Array).length).toBeGreaterThan(QUESTION.length + ANSWER.length)
  })

  it('keeps the request that failed', async () => {
    const open = router({ content: 'replay' })
    await expect(asked(open, 'please fail')).rejects.toThrow()
    const [record] = open.audit({})
    await open.close()
    const kept = readContent(stateDir, record?.requestId ?? '', sealer())
    expect(kept).toMatchObject({ request: { messages: [{ content: 'please fail' }] }, answer: null })
  })

  it.each([
    ['keeps none', { content: 'replay' }, false],
    ['keeps them when the policy says so', { content: 'replay', replay: { localOnly: true } }, true],
  ] as const)('of local_only requests %s', async (_, audit, isKept) => {
    const open = router(audit)
    // No local model answers: the request fails, which is recorded like any other.
    await asked(open, QUESTION, { partition: 'local_only' }).catch(() => undefined)
    const [record] = open.audit({})
    await open.close()
    const read = () => readContent(stateDir, record?.requestId ?? '', sealer())
    if (isKept) expect(read().request.messages).toHaveLength(1)
    else expect(read).toThrow(/no kept text of request/)
  })

  it('is off by default, and nothing needs a key then', async () => {
    const open = router({}, {})
    const id = await asked(open)
    await open.close()
    expect(() => readContent(stateDir, id, sealer())).toThrow(/There is no kept text of request/)
  })

  it.each([
    ['is not set', {}],
    ['is not 32 bytes in base64', { SPILLWAY_CONTENT_KEY: 'short' }],
    ['is not 32 bytes in base64', { SPILLWAY_CONTENT_KEY: randomBytes(16).toString('base64') }],
    ['is not 32 bytes in base64', { SPILLWAY_CONTENT_KEY: `${KEY.slice(0, 42)}B=` }],
  ])('does not start with a key that %s', (problem, env) => {
    expect(() => router({ content: 'replay' }, env)).toThrow(
      `The key for kept texts in the environment variable SPILLWAY_CONTENT_KEY ${problem}.`,
    )
  })
})

describe('reading kept texts', () => {
  it('leaves a line of each, that belongs to the chain; so does a wrong key, which reads nothing', async () => {
    const open = router({ content: 'replay' })
    const id = await asked(open)
    readContent(stateDir, id, sealer())
    const other = randomBytes(32).toString('base64')
    expect(() => readContent(stateDir, id, sealer(other))).toThrow(/were encrypted with another key/)
    await open.close()
    const events = readEvents(stateDir, 0)
    expect(events).toMatchObject([
      { kind: 'content_read', what: { requestId: id, outcome: 'read' } },
      { kind: 'content_read', what: { requestId: id, outcome: 'refused' } },
    ])
    expect(events[0]?.by).not.toBe('')
    const log = readAuditLog({ stateDir })
    expect(log.verify([])).toMatchObject({ events: 2, problems: [] })
    const database = new DatabaseSync(auditPaths(stateDir).databasePath)
    database.exec(`DELETE FROM audit_event WHERE event_id = '${events[0]?.id}'`)
    database.close()
    expect(log.verify([])?.problems).toEqual([{ kind: 'missing', subject: events[0]?.id }])
    log.close()
  })

  it('shows a text that was changed, or moved to another request or tenant', async () => {
    const open = router({ content: 'replay' })
    const id = await asked(open, QUESTION, { tenant: 'acme' })
    const second = await asked(open, 'another question', { tenant: 'acme' })
    await open.close()
    const database = new DatabaseSync(auditPaths(stateDir).databasePath)
    const set = (sql: string) => database.exec(sql)
    const copy = `(SELECT sealed FROM content WHERE request_id = '${id}')`
    set(`UPDATE content SET sealed = ${copy} WHERE request_id = '${second}'`)
    expect(() => readContent(stateDir, second, sealer())).toThrow(/were changed on disk/)
    set(`UPDATE content SET tenant = 'other' WHERE request_id = '${id}'`)
    expect(() => readContent(stateDir, id, sealer())).toThrow(/were changed on disk/)
    set(`UPDATE content SET tenant = 'acme', sealed = substr(sealed, 1, 40) WHERE request_id = '${id}'`)
    expect(() => readContent(stateDir, id, sealer())).toThrow(/were changed on disk/)
    set(`UPDATE content SET sealed = x'09' WHERE request_id = '${id}'`)
    expect(() => readContent(stateDir, id, sealer())).toThrow(/were changed on disk/)
    database.close()
  })

  it('ends with a purge of the record, and with the age of the text', async () => {
    const open = router({ content: 'replay' })
    const id = await asked(open, QUESTION, { tenant: 'acme' })
    const second = await asked(open)
    expect(await purge({ tenant: 'acme' })).toMatchObject({ records: 1, contents: 1 })
    expect(() => readContent(stateDir, id, sealer())).toThrow(/no kept text/)
    expect(readContent(stateDir, second, sealer()).answer?.text).toBe(ANSWER)
    await open.close()
    expect(await purge({ beforeMs: Date.now() + 1000 })).toMatchObject({ records: 1, contents: 1 })
    // The log of reads outlives what was read.
    expect(readEvents(stateDir, 0).map(({ kind }) => kind)).toEqual(['purge', 'content_read', 'purge'])
  })

  it('ends by itself after audit.retention.content', async () => {
    const first = router({ content: 'replay' })
    const id = await asked(first)
    await first.close()
    const { openAuditLog } = await import('../../src/stores/audit-log.ts')
    const retention = { recordsMs: null, contentMs: 1, everyMs: 20 }
    const log = openAuditLog({ stateDir, durability: 'process', onFailure: 'refuse', retention })
    await expect.poll(() => isKept(id)).toBe(false)
    expect(log.list({})).toHaveLength(1)
    await log.close()
  })
})

function isKept(id: string): boolean {
  const database = new DatabaseSync(auditPaths(stateDir).databasePath, { readOnly: true })
  const found = database.prepare('SELECT 1 FROM content WHERE request_id = ?').get(id)
  database.close()
  return found !== undefined
}
