import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { classify } from '../../../src/classify/features.ts'
import { readCalls } from '../../../src/cli/logged-calls.ts'
import { fileTraffic } from '../../../src/cli/tasks.ts'
import { studyTraffic, type TrafficStudy } from '../../../src/cli/traffic-study.ts'
import type { TaskProposal } from '../../../src/eval/discover/propose.ts'
import { parsePolicy } from '../../../src/stores/policy-file.ts'
import { APPLICATIONS } from './applications.ts'
import { FURTHER_APPLICATIONS } from './further-applications.ts'
import { type MadeUpApplication, madeUpTraffic } from './made-up-traffic.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const folder = mkdtempSync(join(tmpdir(), 'spillway-discover-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function fileOf(rows: readonly unknown[]): string {
  files += 1
  const file = join(folder, `${files}.jsonl`)
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  return file
}

function study(file: string): Promise<TrafficStudy> {
  return studyTraffic(fileTraffic({ file, format: 'jsonl' }), { leastRequests: 5, models: null, under: null })
}

interface Sorted {
  readonly study: TrafficStudy
  /** The proposal that holds most of an application's requests. */
  readonly of: (app: string) => TaskProposal | undefined
  /** The applications whose requests the policy sends to a task. */
  readonly appsOf: (task: string) => readonly string[]
}

async function sorted(applications: readonly MadeUpApplication[], each = 14): Promise<Sorted> {
  const rows = madeUpTraffic(each, applications)
  const file = fileOf(rows)
  const found = await study(file)
  const { policy } = parsePolicy(found.policy, { file: 'proposed', env: {} })
  const apps = new Map(rows.map(({ id, app }) => [id, app]))
  const sent = new Map<string, string[]>()
  for await (const read of readCalls({ file, format: 'jsonl' })) {
    if (!('call' in read)) continue
    const { task } = classify({ request: read.call.request, policy, sha256 })
    sent.set(task, [...(sent.get(task) ?? []), apps.get(read.call.id) ?? ''])
  }
  return {
    study: found,
    of: (app) =>
      found.discovery.proposals.find(({ ids }) => ids.filter((id) => apps.get(id) === app).length > each / 2),
    appsOf: (task) => sent.get(task) ?? [],
  }
}

const text = (content: string, system?: string) => ({
  model: 'gpt-4o',
  messages: [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content }],
})

describe('discovery on made-up applications', async () => {
  const all = await sorted([...APPLICATIONS, ...FURTHER_APPLICATIONS])

  it.each([...APPLICATIONS, ...FURTHER_APPLICATIONS].map((one) => [one.app, one] as const))(
    'finds %s, its kind and its labels, and a match that takes its requests and no others',
    (app, { kind, labels }) => {
      const proposal = all.of(app)
      expect(proposal).toMatchObject({ kind, requests: 14 })
      expect(all.appsOf(proposal?.name ?? '')).toEqual(Array.from({ length: 14 }, () => app))
      if (labels && kind === 'choice') expect([...(proposal?.shape.labels ?? [])].sort()).toEqual([...labels].sort())
    },
  )

  it('renders a decision in the shape that the prompt asks for', () => {
    expect(all.of('severity-json-anthropic')?.shape.render).toBe('{"severity": "{value}", "note": ""}')
    expect(all.of('spam-json')?.shape).toMatchObject({ labels: ['true', 'false'], render: '{"spam": {value}}' })
    expect(all.of('fr-note-json')?.shape).toMatchObject({ range: { min: 1, max: 5 }, render: '{"urgence": {value}}' })
    expect(all.of('essay-grade')?.shape).toMatchObject({ range: { min: 1, max: 10 }, render: '{value}0' })
    expect(all.of('eligibility')?.shape).toMatchObject({ kind: 'choice', labels: ['YES', 'NO'] })
  })

  it('tells a system prompt that says the date or a name by its constant pieces', () => {
    expect(all.of('de-vertrag')?.match).toEqual({ system: expect.arrayContaining(['Heute ist der']) })
    expect(all.of('reply-drafts')?.match?.system?.[0]).toBe('You draft replies to shop reviews for')
  })

  it('gives worked examples and the meaning of labels to the local prompt', () => {
    expect(all.of('few-shot-topic')?.prompt?.shots).toHaveLength(6)
    expect(all.of('es-prioridad')?.prompt?.system).toContain('- alta: el cliente no puede trabajar')
    expect(all.of('summaries')?.prompt).toBeNull()
  })

  it('keeps code with the frontier, and everything else in shadow', () => {
    const { tasks } = parsePolicy(all.study.policy, { file: 'proposed', env: {} }).policy
    expect(tasks[all.of('sql-generic')?.name ?? '']?.local).toBe(false)
    const others = Object.values(tasks).filter(({ local }) => local !== false)
    expect(new Set(others.map(({ stage }) => stage))).toEqual(new Set(['shadow']))
  })
})

describe('discovery', () => {
  it('reads neither the name of the application nor the right answer', async () => {
    const rows = madeUpTraffic(8, APPLICATIONS)
    const bare = await study(fileOf(rows.map(({ app: _, ...row }) => row)))
    const told = await study(fileOf(rows.map((row) => ({ ...row, app: 'x', gold: { text: 'yes' }, kind: 'choice' }))))
    expect(told.discovery).toEqual(bare.discovery)
  })

  it('proposes nothing for questions of people that share no frame', async () => {
    const talk = [
      'How old is the moon?',
      'Book ideas',
      'why do cats purr',
      'A poem about rain',
      'fix my sink',
      'Oslo or Bergen?',
    ]
    const { discovery } = await study(fileOf(talk.map((one) => text(one))))
    expect(discovery).toMatchObject({ proposals: [], ungrouped: 6 })
  })

  it('splits one general system prompt by what users are made to ask', async () => {
    const system = 'You are a helpful assistant.'
    const words = ['alder', 'birch', 'cedar', 'elm', 'fir', 'hazel']
    const rows = words.flatMap((word) => [
      text(`Summarise this note in one sentence:\nThe ${word} fell.`, system),
      text(`Is this about water? Answer yes or no.\n\nText: ${word} by the lake`, system),
    ])
    const { discovery } = await study(fileOf(rows))
    expect(discovery.proposals.map(({ kind, requests }) => [kind, requests]).sort()).toEqual([
      ['boolean', 6],
      ['text', 6],
    ])
  })

  it('does not take two prompts for one that differ only in their labels', async () => {
    const prompt = (labels: string) =>
      `You read letters to the town hall, all day. Choose exactly one of: ${labels}. Answer with it alone.`
    const rows = Array.from({ length: 6 }, (_, at) => [
      text(`letter ${at} about a bench`, prompt('parks, roads')),
      text(`letter ${at} about a lamp`, prompt('taxes, schools')),
    ]).flat()
    const { discovery } = await study(fileOf(rows))
    expect(discovery.proposals.map(({ shape }) => shape.labels)).toEqual([
      ['parks', 'roads'],
      ['taxes', 'schools'],
    ])
  })

  it('matches a very long system prompt by its two ends', async () => {
    const system = `You answer questions about the manual below with yes or no.\n${'A line of the manual.\n'.repeat(2000)}End of the manual.`
    const found = await study(fileOf(Array.from({ length: 6 }, (_, at) => text(`Is part ${at} red?`, system))))
    expect(found.discovery.proposals[0]?.match?.system).toHaveLength(2)
    expect(found.account.tasks[0]).toMatchObject({ requests: 6 })
  })

  it('does not take prompts without anything in common for one application', async () => {
    const rows = ['oak', 'elm', 'fir', 'ash', 'yew', 'box'].map((word, at) =>
      text('go', `${word.repeat(9)} ${at} ${word} tree ${word}s`),
    )
    expect((await study(fileOf(rows))).discovery).toMatchObject({ proposals: [], ungrouped: 6 })
  })

  it('leaves out requests that name their task', async () => {
    const rows = Array.from({ length: 6 }, (_, at) => ({
      ...text(`n ${at}`, 'Answer yes or no.'),
      metadata: { task: 'mine' },
    }))
    expect(await study(fileOf(rows))).toMatchObject({ typed: 6, discovery: { proposals: [], requests: 0 } })
  })

  it('says what the solvers answer, what the rules stop, and what nobody knows', async () => {
    const rows = Array.from({ length: 10 }, (_, at) =>
      text(at < 6 ? `What is ${at} + 4?` : `Why is ${at} odd?`, 'Answer the question. Number only.'),
    )
    const { account } = await study(fileOf(rows))
    expect(account.tasks[0]).toMatchObject({ solver: 6, candidates: 4, localShare: { atMost: 1, expected: null } })
    expect(account.tasks[0]?.risk).toMatchObject({ solver: null, models: 'unknown' })
  })
})

const SHARED = resolve(import.meta.dirname, '../../../../shared/data/traffic')

describe.skipIf(!existsSync(join(SHARED, 'requests.jsonl')))('discovery on the shared traffic', () => {
  it('finds 10 of 12 applications, and the right kind for 9', async () => {
    const file = join(SHARED, 'requests.jsonl')
    const { discovery } = await study(file)
    const rows = readFileSync(file, 'utf8').trim().split('\n')
    const apps = new Map(
      rows.map((row) => JSON.parse(row) as { id: string; app: string }).map(({ id, app }) => [id, app]),
    )
    const gold = JSON.parse(readFileSync(join(SHARED, 'apps.json'), 'utf8')) as { app: string; kind: string }[]
    const found = gold.flatMap(({ app, kind }) => {
      const size = [...apps.values()].filter((name) => name === app).length
      const own = discovery.proposals.find(({ ids }) => {
        const hits = ids.filter((id) => apps.get(id) === app).length
        return hits >= 0.9 * size && hits >= 0.9 * ids.length
      })
      return own ? [{ isRight: own.kind === kind }] : []
    })
    expect(found.length).toBeGreaterThanOrEqual(10)
    expect(found.filter(({ isRight }) => isRight).length).toBeGreaterThanOrEqual(9)
  })
})
