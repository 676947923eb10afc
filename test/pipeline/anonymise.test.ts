import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../../src/classify/privacy/find.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { PRIVATE_KINDS } from '../../src/spec/private-kinds.ts'
import type { RequestMetadata, RouterRequest } from '../../src/spec/request.ts'
import type { StreamEvent } from '../../src/spec/response.ts'
import { openConversations } from '../../src/stores/conversations.ts'
import { type SampleRouter, type SampleScript, sampleRouter } from '../support/sample-router.ts'

const IBAN = 'DE89 3704 0044 0532 0130 00'
const MAIL = 'jane.roe@clinic.example'
const TEXT = `Write to ${MAIL} that the refund to ${IBAN} was sent.`

type Task = NonNullable<PolicyInput['tasks']>[string]
type Privacy = NonNullable<PolicyInput['privacy']>

interface Change {
  readonly task?: Task
  readonly privacy?: Privacy
  readonly models?: SampleScript['models']
}

function script({ task = {}, privacy = {}, models = {} }: Change = {}): SampleScript {
  return {
    policy: {
      models: {
        small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' },
        big: { provider: 'openai', model: 'gpt', tier: 'frontier', apiKey: '${env:KEY}' },
      },
      tasks: { chat: { local: false, frontier: 'big', anonymise: true, ...task } },
      privacy: { localOnly: { detect: ['iban'] }, ...privacy },
    },
    env: { KEY: 'k' },
    models: { small: { answers: ['local'] }, big: { answers: ['Dear [email_1], [iban_1] got it.'] }, ...models },
  }
}

function ask(text: string, rest: Partial<RouterRequest> & { readonly said?: RequestMetadata } = {}): RouterRequest {
  const { said = {}, ...own } = rest
  return { messages: [{ role: 'user', content: text }], metadata: { task: 'chat', ...said }, ...own }
}

function rowsOf({ journal }: SampleRouter) {
  return journal.flatMap((entry) => (entry.type === 'egress' ? [entry.row] : []))
}

const held = async (
  change: Change,
  request: RouterRequest = ask(TEXT),
  own: Parameters<typeof sampleRouter>[1] = {},
) => {
  const sample = sampleRouter(script(change), own)
  const { decision } = await sample.router.complete(request)
  expect([decision.route, decision.reason]).toEqual(['held', 'privacy_local_only'])
  expect([sample.opened, rowsOf(sample)]).toEqual([[], []])
}

describe('a request that is local_only for what was found in it', () => {
  it('goes out with everything private replaced when the task says so, and the answer is made whole here', async () => {
    const sample = sampleRouter(script())
    const outcome = await sample.router.complete(ask(TEXT))
    expect(outcome.answer).toBe(`Dear ${MAIL}, ${IBAN} got it.`)
    const sent = JSON.stringify(sample.models.big?.calls)
    expect(sent).toContain('Write to [email_1] that the refund to [iban_1] was sent.')
    expect(sent).not.toMatch(/jane|3704/)
    expect(rowsOf(sample)).toMatchObject([
      { partition: 'local_only', anonymised: true, redactions: { email: 1, iban: 1 }, residency: 'us' },
    ])
    expect(sample.record('req-1')?.features.partition).toBe('local_only')
  })

  it('is made whole in a stream, too', async () => {
    const answers = [{ text: ['Dear [ema', 'il_1], [i', 'ban_1] got it.'] }]
    const sample = sampleRouter(script({ models: { big: { answers } } }))
    const events: StreamEvent[] = []
    for await (const event of sample.router.stream(ask(TEXT))) events.push(event)
    const text = events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')
    expect(text).toBe(`Dear ${MAIL}, ${IBAN} got it.`)
  })

  it('stays, when the task does not say so', async () => {
    await held({ task: { anonymise: false } })
  })

  it.each<readonly [string, Change, RequestMetadata]>([
    ['the caller', {}, { partition: 'local_only' }],
    [
      'a path',
      { privacy: { localOnly: { detect: ['iban'], paths: ['clients/**'] } } },
      { documents: ['clients/a.txt'] },
    ],
    [
      'the tenant',
      { privacy: { localOnly: { detect: ['iban'] }, tenants: { acme: 'local_only' } } },
      { tenant: 'acme' },
    ],
    ['the task', { task: { partition: 'local_only' } }, {}],
    ['the default', { privacy: { localOnly: { detect: ['iban'] }, default: 'local_only' } }, {}],
  ])('stays when %s says local_only as well', async (_, change, said) => {
    await held(change, ask(TEXT, { said }))
  })

  it('stays when a detector failed, whatever was found before', async () => {
    const failing = (): never => {
      throw new Error('out of order')
    }
    await held({}, ask(TEXT), { findPrivate: failing })
    let looks = 0
    const failingLater: typeof findPrivate = (text, kinds) => (++looks > 1 ? failing() : findPrivate(text, kinds))
    await held({}, ask(TEXT), { findPrivate: failingLater })
  })

  it('stays when private data stands where nothing is masked', async () => {
    const tools = [{ name: 'pay', description: `pays to ${IBAN}` }]
    await held({}, ask(TEXT, { tools }))
    await held({}, ask(TEXT, { stop: [MAIL] }))
    await held({}, ask(TEXT, { responseSchema: { properties: { [MAIL]: {} } } }))
  })

  it('goes without the names of who speaks', async () => {
    const sample = sampleRouter(script())
    await sample.router.complete(ask('', { messages: [{ role: 'user', content: TEXT, name: 'Jane_Roe' }] }))
    expect(sample.models.big?.calls).toHaveLength(1)
    expect(JSON.stringify(sample.models.big?.calls)).not.toContain('Jane')
  })

  it('is refused at the door when what was put to it later holds private data', async () => {
    const schema = { type: 'object', description: `As ${MAIL} wants it.` }
    const sample = sampleRouter(script({ task: { schema } }))
    await expect(sample.router.complete(ask(TEXT))).rejects.toMatchObject({
      code: 'privacy_local_only',
      message: expect.stringContaining('private data is left in it after masking'),
    })
    expect([sample.models.big?.calls, rowsOf(sample)]).toEqual([[], []])
  })

  it('stays when it holds what no detector reads', async () => {
    const image = { type: 'image', url: 'https://cloud.example/scan.png' } as const
    const parts = { role: 'user', content: [{ type: 'text', text: TEXT }, image] } as const
    await held({}, ask('', { messages: [parts] }))
  })

  it('goes only where internal text may go', async () => {
    await expect(
      sampleRouter(script({ privacy: { localOnly: { detect: ['iban'] }, residency: 'eu' } })).router.complete(
        ask(TEXT),
      ),
    ).resolves.toMatchObject({ decision: { route: 'held' } })
  })

  it('is held as ever while no frontier can be asked', async () => {
    const sample = sampleRouter({ ...script({ task: { local: 'small' } }), env: {} })
    const { features, decision } = sample.router.route(ask(TEXT))
    expect(features).not.toHaveProperty('anonymised')
    expect([decision.route, decision.reason]).toEqual(['held', 'privacy_local_only'])
  })

  it('leaves the further fields of the caller at home', async () => {
    const body = {
      model: 'auto',
      messages: [{ role: 'user', content: TEXT }],
      user: 'jane',
      custom: { note: 'room 7' },
    }
    const sample = sampleRouter(script())
    await sample.router.complete(ask(TEXT, { wire: { dialect: 'openai_chat', body } }))
    const [sent] = sample.models.big?.calls ?? []
    expect(sent).not.toHaveProperty('wire')
    expect(JSON.stringify(sent)).not.toMatch(/jane|room 7/)
  })

  it('masks what the local model wrote as well, when its answer is rejected', async () => {
    const task: Task = {
      local: 'small',
      stage: 'accept',
      accept: { uncalibrated: true },
      gates: { length: { minChars: 99 } },
    }
    const sample = sampleRouter(
      script({ task, models: { small: { answers: [`Ask ${MAIL} or 4111 1111 1111 1111`] } } }),
    )
    await sample.router.complete(ask(TEXT))
    const sent = JSON.stringify(sample.models.big?.calls)
    expect(sent).toMatch(/A smaller model answered: Ask \[email_\d\] or \[card_\d\]/)
    expect(sent).not.toMatch(/jane|4111/)
  })

  it('sends no half of a number either, where a long local answer is cut', async () => {
    const gates = { length: { minChars: 9999 } }
    const task: Task = { local: 'small', stage: 'accept', accept: { uncalibrated: true }, gates }
    for (const at of [1975, 1985, 1995]) {
      const answers = [`${'word '.repeat(at / 5)}${IBAN} and so on`]
      const sample = sampleRouter(script({ task, models: { small: { answers } } }))
      await sample.router.complete(ask(TEXT))
      const sent = JSON.stringify(sample.models.big?.calls)
      expect(sent).toContain('A smaller model answered: word')
      expect(sent).not.toMatch(/DE89/)
    }
  })

  it('stays in the conversation that has an id, after the first of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-anonymise-'))
    const conversations = openConversations({ path: join(folder, 'c.sqlite'), memoryMs: 60_000, epochMs: () => 1000 })
    const sample = sampleRouter(script({ models: { big: { answers: ['1', '2', '3'] } } }), { conversations })
    const routes: string[] = []
    const first = { role: 'user', content: TEXT } as const
    const more = [first, { role: 'assistant', content: '1' }, { role: 'user', content: 'Shorter, please.' }] as const
    for (const request of [
      ask(TEXT, { said: { conversation: 'c1' } }),
      ask('Shorter, please.', { said: { conversation: 'c1' } }),
      ask(TEXT),
      ask('', { messages: more }),
    ])
      routes.push((await sample.router.complete(request)).decision.route)
    conversations.close()
    rmSync(folder, { recursive: true, force: true })
    // Without an id the whole conversation stands in the request, so the mask covers it.
    expect(routes).toEqual(['frontier', 'held', 'frontier', 'frontier'])
  })
})

describe('what leaves anonymised', () => {
  const pieces = [
    IBAN,
    MAIL,
    '4111 1111 1111 1111',
    '+49 30 901820',
    '192.0.2.17',
    'password="hunter2-hunter2"',
    '[iban_1]',
    '\u200b',
    'and',
    '\n',
    '{"a":',
  ]
  it('holds nothing that a detector finds, however the pieces are put together', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...pieces), { maxLength: 8 }),
        fc.constantFrom(' ', '', ','),
        async (some, glue) => {
          const sample = sampleRouter(script({ models: { big: { answers: ['fine'] } } }))
          await sample.router.complete(ask([...some, IBAN].join(glue)))
          const [row] = rowsOf(sample)
          // Glued to other text the number may be none, and then the request is as internal as any.
          if (row?.partition !== 'local_only') return
          expect(row.anonymised).toBe(true)
          for (const { content } of sample.models.big?.calls[0]?.messages ?? [])
            expect(findPrivate(String(content), PRIVATE_KINDS)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })
})
