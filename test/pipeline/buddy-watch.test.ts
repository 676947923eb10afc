/** The switch-off rule: what is measured on drawn requests and on labels, and what it does to the task. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { figuresOf, reasonOff } from '../../src/patterns/buddy-balance.ts'
import { createBuddyWatch } from '../../src/pipeline/buddy-watch.ts'
import type { AuditRecord } from '../../src/spec/audit.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openBuddies } from '../../src/stores/buddies.ts'
import { type ModelScript, manualClock } from '../../src/testing.ts'
import { SMALL_AND_BIG } from '../support/chat-task.ts'
import { sampleRouter } from '../support/sample-router.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-buddies-'))
  folders.push(folder)
  return folder
}

const DOCUMENT = 'The tower was built in 1889. It stands in Paris.'

function policyWith(switchOff: object, auditRate = 1): PolicyInput {
  return {
    models: SMALL_AND_BIG,
    tasks: {
      about: {
        kind: 'answer',
        local: 'small',
        frontier: 'big',
        stage: 'accept',
        complexity: 'simple',
        accept: { uncalibrated: true, auditRate },
        pattern: { buddy: { switchOff } },
      },
    },
  }
}

const span = (value: string | null): string => JSON.stringify({ value, evidence: value, at: null })
const request = {
  messages: [{ role: 'user' as const, content: `${DOCUMENT}\n\nWhen was the tower built?` }],
  metadata: { task: 'about' },
}

/** Answers of the two models, and a router that keeps its switches in this folder. */
function routerOn(
  folder: string,
  models: Readonly<Record<string, Omit<ModelScript, 'name'>>>,
  policy: PolicyInput,
  past: readonly AuditRecord[] = [],
) {
  const clock = manualClock()
  const book = openBuddies(folder, clock.monotonicMs)
  const buddies = createBuddyWatch({ book, readAudit: () => past, clock })
  const sample = sampleRouter({ policy, env: { KEY: 'k' }, models }, { buddies })
  return { ...sample, book, clock }
}

function always(text: string): Omit<ModelScript, 'name'> {
  return { answers: () => text }
}

/** A frontier that says this of the span, and that to the whole request. */
function frontier(of: { readonly span: string; readonly whole: string }): Omit<ModelScript, 'name'> {
  return { answers: (call) => (JSON.stringify(call.messages).includes('Doubtful:') ? of.span : of.whole) }
}

describe('a drawn request', () => {
  it('is answered by the frontier, and switches a buddy off once it is beyond doubt that it makes right answers wrong', async () => {
    const models = { small: always('1889'), big: frontier({ span: span('Paris'), whole: '1889' }) }
    const { router, record, book, models: ports } = routerOn(newFolder(), models, policyWith({ minCompared: 10 }))
    for (let turn = 0; turn < 7; turn++) {
      const { answer, decision } = await router.complete(request)
      expect([answer, decision.reason]).toEqual(['1889', 'audit_sample'])
    }
    const [off] = book.list()
    expect(off).toMatchObject({
      task: 'about',
      why: 'harm',
      figures: { compared: 7, harmed: 7, draftRight: 7, right: 0 },
    })
    const before = ports.big?.calls.length ?? 0
    await router.complete(request)
    const said = JSON.stringify(ports.big?.calls.slice(before))
    expect(said).not.toContain('Doubtful:')
    expect(record('req-8')?.pattern?.did).toMatchObject({
      outcome: 'off',
      why: 'harm: 7 of 7 compared answers were right and made wrong',
    })
  })

  it('switches a buddy off that costs more a right answer than plain escalation', async () => {
    const models = { small: always('1888'), big: frontier({ span: span(null), whole: '1889' }) }
    const { router, book } = routerOn(newFolder(), models, policyWith({ minCompared: 10 }))
    for (let turn = 0; turn < 10; turn++) await router.complete(request)
    const [off] = book.list()
    expect(off).toMatchObject({ why: 'cost', figures: { harmed: 0, right: 10, unit: 'usd' } })
    expect(off?.figures.spent).toBeGreaterThan(off?.figures.plain ?? Number.NaN)
  })

  it('leaves a buddy on that pays and does no harm', async () => {
    const long = `${DOCUMENT}\n\n${'Nothing else is known of the place and its people. '.repeat(200)}\n\nWhen was the tower built?`
    const models = { small: always('1888'), big: frontier({ span: span('1889'), whole: '1889' }) }
    const policy = policyWith({ minCompared: 10 })
    const { router, book } = routerOn(newFolder(), models, {
      ...policy,
      tasks: { about: { ...policy.tasks?.about, maxInputChars: 50_000 } },
    })
    for (let turn = 0; turn < 12; turn++)
      await router.complete({ ...request, messages: [{ role: 'user', content: long }] })
    expect(book.list()).toEqual([])
  })
})

describe('a switch', () => {
  it('outlives the process, and other options start the buddy again', async () => {
    const folder = newFolder()
    const models = { small: always('1889'), big: frontier({ span: span('Paris'), whole: '1889' }) }
    const first = routerOn(folder, models, policyWith({ minCompared: 10 }))
    for (let turn = 0; turn < 10; turn++) await first.router.complete(request)
    const again = routerOn(folder, models, policyWith({ minCompared: 10 }))
    await again.router.complete(request)
    expect(again.record('req-1')?.pattern?.did.outcome).toBe('off')
    const other = routerOn(folder, models, policyWith({ minCompared: 10, maxHarm: 1 }))
    await other.router.complete(request)
    expect(other.record('req-1')?.pattern?.did.outcome).toBe('compared')
  })

  it('counts what earlier processes compared', async () => {
    const folder = newFolder()
    const models = { small: always('1889'), big: frontier({ span: span('Paris'), whole: '1889' }) }
    const first = routerOn(folder, models, policyWith({ minCompared: 10 }))
    const past: AuditRecord[] = []
    for (let turn = 1; turn < 7; turn++) {
      await first.router.complete(request)
      const record = first.record(`req-${turn}`)
      if (record) past.push({ ...record, requestId: `earlier-${turn}` })
    }
    expect(first.book.list()).toEqual([])
    const second = routerOn(folder, models, policyWith({ minCompared: 10 }), past)
    await second.router.complete(request)
    expect(second.book.list()).toMatchObject([{ figures: { compared: 7 } }])
  })
})

describe('a label', () => {
  it('with the right answer says what a correction did, and switches off a buddy that does harm', async () => {
    const models = { small: always('1889'), big: frontier({ span: span('Paris'), whole: '1889' }) }
    const folder = newFolder()
    const sample = routerOn(folder, models, policyWith({ minCompared: 10 }, 0))
    const known: AuditRecord[] = []
    const clock = manualClock()
    const buddies = createBuddyWatch({ book: sample.book, readAudit: () => known, clock })
    const labelled = sampleRouter(
      { policy: policyWith({ minCompared: 10 }, 0), env: { KEY: 'k' }, models },
      { buddies, readAudit: ({ requestId }) => known.filter((one) => one.requestId === requestId) },
    )
    for (let turn = 1; turn <= 7; turn++) {
      const { answer } = await labelled.router.complete(request)
      expect(answer).toBe('Paris')
      const record = labelled.record(`req-${turn}`)
      if (record) known.push(record)
      const label = await labelled.router.feedback(`req-${turn}`, { source: 'human', value: '1889' })
      expect(label).toMatchObject({ isCorrect: true, isServedCorrect: false })
    }
    expect(sample.book.list()).toMatchObject([{ why: 'harm', figures: { harmed: 7 } }])
  })
})

describe('the rule', () => {
  const rule = { maxHarm: 0.01, minCompared: 50 }
  const rows = (n: number, harmed: number, [own, plain]: readonly [number, number] = [1, 10]) =>
    Array.from({ length: n }, (_, at) => ({
      requestId: String(at),
      draftRight: at < harmed,
      right: at >= harmed,
      cost: { own: { usd: own, tokens: own }, plain: { usd: plain, tokens: plain } },
    }))

  it('waits for enough answers, and then allows one in a hundred', () => {
    expect(reasonOff(figuresOf(rows(49, 1)), rule)).toBeNull()
    expect(reasonOff(figuresOf(rows(50, 1)), rule)).toBe('harm')
    expect(reasonOff(figuresOf(rows(100, 1)), rule)).toBeNull()
  })

  it('does not wait where the harm is beyond doubt', () => {
    expect(reasonOff(figuresOf(rows(20, 10)), rule)).toBe('harm')
  })

  it('compares cost per right answer, in tokens where a price is unknown', () => {
    const lax = { ...rule, maxHarm: 1 }
    expect(reasonOff(figuresOf(rows(50, 0, [9, 10])), lax)).toBeNull()
    expect(reasonOff(figuresOf(rows(50, 10, [9, 10])), lax)).toBe('cost')
    const unpriced = rows(50, 0, [11, 10]).map((row) => ({
      ...row,
      cost: { own: { usd: null, tokens: row.cost.own.tokens }, plain: row.cost.plain },
    }))
    expect(figuresOf(unpriced).unit).toBe('tokens')
    expect(reasonOff(figuresOf(unpriced), lax)).toBe('cost')
  })
})
