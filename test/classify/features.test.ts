import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { classify } from '../../src/classify/features.ts'
import type { Features } from '../../src/spec/features.ts'
import { type PolicyInput, policySchema } from '../../src/spec/policy.ts'
import type { RouterRequest } from '../../src/spec/request.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function featuresOf(request: Partial<RouterRequest> & { readonly text?: string }, policy: PolicyInput = {}): Features {
  const { text = 'hello', ...rest } = request
  return classify({
    request: { messages: [{ role: 'user', content: text }], ...rest },
    policy: policySchema.parse(policy),
    sha256,
  })
}

const mail = (system: string) => [
  { role: 'system' as const, content: system },
  { role: 'user' as const, content: 'Dear all' },
]

const TASKS = {
  tasks: {
    triage: { kind: 'choice', labels: ['a', 'b'], match: { words: ['build log'] } },
    recap: { match: { model: 'gpt-recap' }, action: 'extract_topic' },
    mail: { match: { system: ['You sort the mail of', 'Answer with one word'] } },
    tidy: { match: { user: ['Tidy this:', '-- end'] } },
    desk: { match: { tools: ['look_up', 'book'] } },
    greet: { match: { systemHash: `sha256:${sha256('Be kind.')}`, words: ['hello'] } },
  },
} as const satisfies PolicyInput

describe('the task of a request', () => {
  it.each([
    ['the caller names a task', { metadata: { task: 'recap' } }, ['recap', 'caller', true, 'extract_topic']],
    ['the caller names an action', { metadata: { task: 'edit_file' } }, ['edit_file', 'caller', true, 'edit_file']],
    [
      'the caller names an overridden action',
      { metadata: { task: 'orch_status' } },
      ['orch_status', 'caller', true, 'orch_status'],
    ],
    ['the caller names a quality-critical action', { metadata: { task: 'exec' } }, ['exec', 'caller', true, 'exec']],
    ['the caller names nothing known', { metadata: { task: 'constructor' } }, ['constructor', 'caller', false, null]],
    ['a word matches', { text: 'Read this BUILD LOG now' }, ['triage', 'match', true, null]],
    ['a word only begins like a match', { text: 'Read this build logger' }, ['default', 'default', true, null]],
    [
      'pieces stand in the system prompt',
      { messages: mail('You sort the mail of Ada. Answer with one word.') },
      ['mail', 'match', true, null],
    ],
    [
      'pieces stand there in another order',
      { messages: mail('Answer with one word. You sort the mail of Ada.') },
      ['default', 'default', true, null],
    ],
    ['pieces stand in what is asked', { text: 'Tidy this: a b\n-- end' }, ['tidy', 'match', true, null]],
    ['one piece is missing', { text: 'Tidy this: a b' }, ['default', 'default', true, null]],
    ['just these tools are offered', { tools: [{ name: 'book' }, { name: 'look_up' }] }, ['desk', 'match', true, null]],
    [
      'one tool more is offered',
      { tools: [{ name: 'book' }, { name: 'look_up' }, { name: 'pay' }] },
      ['default', 'default', true, null],
    ],
    [
      'the wire asks for the model of a match',
      { wire: { dialect: 'openai_chat', body: { model: 'gpt-recap' } } },
      ['recap', 'match', true, 'extract_topic'],
    ],
    [
      'the wire asks for a task as model',
      { text: 'build log', wire: { dialect: 'openai_chat', body: { model: 'greet' } } },
      ['greet', 'match', true, null],
    ],
  ] as const)('is found when %s', (_name, request, [task, taskSource, taskKnown, action]) => {
    expect(featuresOf(request, TASKS)).toMatchObject({ task, taskSource, taskKnown, action })
  })

  it('needs every part of a match', () => {
    const system = { role: 'system', content: 'Be kind.' } as const
    expect(featuresOf({ messages: [system, { role: 'user', content: 'hello there' }] }, TASKS).task).toBe('greet')
    expect(featuresOf({ messages: [system, { role: 'user', content: 'bye' }] }, TASKS).task).toBe('default')
  })

  it('falls to the default task of the policy', () => {
    expect(featuresOf({}, { ...TASKS, defaults: { task: 'recap' } })).toMatchObject({
      task: 'recap',
      taskSource: 'default',
    })
  })
})

describe('the partition of a request', () => {
  const policy: PolicyInput = {
    tasks: { hr: { partition: 'local_only' }, web: { partition: 'public' } },
    privacy: { localOnly: { paths: ['clients/**'] } },
  }
  it.each([
    ['the default', {}, 'internal', 'privacy.default'],
    ['the caller', { metadata: { partition: 'local_only' } }, 'local_only', 'metadata.partition'],
    [
      'the default, when the caller would loosen it',
      { metadata: { partition: 'public' } },
      'internal',
      'privacy.default',
    ],
    ['the task', { metadata: { task: 'hr', partition: 'public' } }, 'local_only', 'tasks.hr.partition'],
    ['the default, when the task would loosen it', { metadata: { task: 'web' } }, 'internal', 'privacy.default'],
    [
      'a document',
      { metadata: { documents: ['notes.md', 'clients/acme/a.ts'] } },
      'local_only',
      'privacy.localOnly.paths: clients/**',
    ],
    [
      'a document behind dots',
      { metadata: { documents: ['src/../Clients\\acme'] } },
      'local_only',
      'privacy.localOnly.paths: clients/**',
    ],
  ] as const)('comes from %s', (_name, request, partition, partitionSource) => {
    expect(featuresOf(request, policy)).toMatchObject({ partition, partitionSource })
  })
})

describe('classify', () => {
  it('counts what the models would read', () => {
    const features = featuresOf({
      messages: [
        { role: 'system', content: 'Answer.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'abcd' },
            { type: 'image', url: 'https://example.com/a.png', alt: 'ef' },
          ],
        },
      ],
      tools: [{ name: 'find' }],
      responseSchema: 'json',
    })
    expect(features).toMatchObject({
      inputChars: 7,
      inputTokensEstimated: 4,
      messages: 2,
      hasTools: true,
      hasImages: true,
      hasSchema: true,
    })
  })

  it('hashes messages without regard to the order of keys', () => {
    const left = featuresOf({ messages: [{ role: 'user', content: 'x', name: 'n' }] })
    const right = featuresOf({ messages: [{ name: 'n', content: 'x', role: 'user' }] })
    expect(left.inputHash).toBe(right.inputHash)
    expect(left.inputHash).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(left.systemHash).toBeNull()
  })

  it('keeps a conversation together by its id, else by its first user message', () => {
    const turn = (text: string, conversation?: string): string =>
      featuresOf({ text, metadata: conversation === undefined ? {} : { conversation } }).conversationHash
    expect(turn('a', 'c1')).toBe(turn('b', 'c1'))
    expect(turn('a')).not.toBe(turn('b'))
    expect(turn('a')).not.toBe(turn('x', 'a'))
  })

  it('lets the caller raise the impact and never lower it', () => {
    const policy = { tasks: { ship: { impact: 'medium' } } } as const
    expect(featuresOf({ metadata: { task: 'ship', impact: 'high' } }, policy).impact).toBe('high')
    expect(featuresOf({ metadata: { task: 'ship', impact: 'low' } }, policy).impact).toBe('medium')
  })

  it('holds no text of the request', () => {
    expect(JSON.stringify(featuresOf({ text: 'zebra token expired' }))).not.toContain('zebra')
  })
})

describe('what makes a request local_only', () => {
  const featuresOf = (privacy: PolicyInput['privacy'], request: Partial<RouterRequest>) =>
    classify({
      request: { messages: [{ role: 'user', content: 'Hello.' }], ...request },
      policy: policySchema.parse({ privacy }),
      sha256: (text) => text,
    })

  it('is private data that the policy names, in any text of the request', () => {
    const privacy = { localOnly: { detect: ['iban' as const] } }
    const iban = 'DE89370400440532013000'
    const places: readonly Partial<RouterRequest>[] = [
      { messages: [{ role: 'user', content: `pay ${iban}` }] },
      { messages: [{ role: 'tool', content: [{ type: 'text', text: iban }] }] },
      {
        messages: [
          { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'pay', arguments: `{"to":"${iban}"}` }] },
        ],
      },
      { tools: [{ name: 'pay', description: `as to ${iban}` }] },
    ]
    for (const request of places)
      expect(featuresOf(privacy, request)).toMatchObject({
        partition: 'local_only',
        partitionSource: 'privacy.localOnly.detect: iban',
      })
    expect(featuresOf(privacy, {}).partition).toBe('internal')
    expect(featuresOf({}, places[0] ?? {}).partition).toBe('internal')
  })

  it('is a tenant whose data stays', () => {
    const privacy = { tenants: { acme: 'local_only' as const } }
    expect(featuresOf(privacy, { metadata: { tenant: 'acme' } })).toMatchObject({
      partition: 'local_only',
      partitionSource: 'privacy.tenants.acme',
    })
    expect(featuresOf(privacy, { metadata: { tenant: 'other' } }).partition).toBe('internal')
  })
})
