/**
 * `npm run bench:stop-check -- [--json] [--data DIR] [--only PART]…`: what a stop check adds to the terms, as JSON, with
 * SmolLM2-135M. Parts, each in figures of its own:
 *
 * - `lines`: of tools and people in eight languages; a batch is scored that neither terms nor head have seen.
 * - `toolChains`: build logs; examples and harmless texts are of six tool chains, the other six are scored, then the other way round. Blocks of
 *   security, production and irreversible stops are common to all tool chains of that file, so `byKind` matters: only access stops
 *   are of another wording.
 * - `excerpts`: the same, with the shipped excerpts as examples; `withoutHead`: with the bare question.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { excerptForDecision } from '../src/classify/excerpt.ts'
import { findHardStops } from '../src/classify/hard-stops.ts'
import { leastUsual, shareAtLeast } from '../src/learn/conformal.ts'
import { randomFrom } from '../src/learn/random.ts'
import { openEmbeddedModel } from '../src/models/embedded/configured.ts'
import { withHeads } from '../src/models/head-decider.ts'
import { resolvePaths } from '../src/models/paths.ts'
import { decideCallFor } from '../src/pipeline/task-prompt.ts'
import { type HeadExampleSet, policySchema } from '../src/spec/policy.ts'
import type { CallLimits, ModelPort } from '../src/spec/ports.ts'
import { headExampleSet, readHeadExamples } from '../src/stores/head-examples.ts'
import { FIRST_GENUINE, FIRST_LOOK_ALIKES } from '../test/classify/hard-stop-fresh.ts'
import { SECOND_GENUINE, SECOND_LOOK_ALIKES } from '../test/classify/hard-stop-fresh-second.ts'
import { THIRD_GENUINE, THIRD_LOOK_ALIKES } from '../test/classify/hard-stop-fresh-third.ts'
import { percents, wilson } from './tasks/metrics.ts'

const ROOT = resolve(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(ROOT, '../shared/data') },
    only: { type: 'string', multiple: true, default: ['lines', 'toolChains', 'excerpts', 'withoutHead'] },
    json: { type: 'boolean' },
  },
})
const RATES = [0.01, 0.02, 0.05]
/** Of the benign logs of a half, so that as many are left to say what is usual. */
const NO_ROWS = 50
const QUESTION =
  'Is this about refused access, leaked secrets, a live system in trouble, or something that cannot be undone?'

/** A text and whether it is a genuine stop; the kind is null for a harmless one. */
interface Text {
  readonly text: string
  readonly kind: string | null
  readonly group: string
}

/** What the check is set up with, and what it is then asked about. */
interface Setup {
  readonly head: HeadExampleSet | null
  readonly harmless: readonly string[]
  readonly scored: readonly Text[]
}

const policy = policySchema.parse({
  models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
  tasks: { risky: { kind: 'boolean', prompt: { system: QUESTION } } },
})
const { small } = policy.models
const { risky } = policy.tasks
if (!small || !risky) throw new Error('the model is not in its own policy')
/** Words that somebody would write down first, without any context. */
const PLAIN_WORDS = policySchema.parse({
  hardStops: {
    access: ['401', '403', 'token', 'permission', 'credential', 'scope', 'SSO', 'registry auth'],
    security: [
      'secret',
      '.env',
      '.pem',
      'id_rsa',
      'CVE-*',
      'vulnerability',
      'security advisory',
      'auth',
      'access policy',
    ],
    irreversible: ['deploy', 'delete', 'migrate', 'rotate'],
    production: ['production customer', 'prod data', 'live incident'],
    except: [],
  },
}).hardStops

const folder = mkdtempSync(join(tmpdir(), 'spillway-stop-check-'))
const paths = resolvePaths(process.env, process.platform)
const model = openEmbeddedModel({ name: 'small', policy: small, paths, env: process.env })
const port = readOnce(model)
const timesMs: number[] = []
const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  lines,
  toolChains: () =>
    buildLogs(({ genuine, benign }) => [yesNo(genuine, benign.slice(0, NO_ROWS)), benign.slice(NO_ROWS)]),
  excerpts: () => buildLogs(({ benign }) => [shippedHead(), benign]),
  withoutHead: () => buildLogs(({ benign }) => [null, benign]),
}
const report: Record<string, unknown> = {}
try {
  for (const part of values.only) {
    const measure = PARTS[part]
    if (!measure) throw new Error(`there is no part ${part}; known: ${Object.keys(PARTS).join(', ')}`)
    report[part] = await measure()
  }
} finally {
  await model.close()
  rmSync(folder, { recursive: true, force: true })
}
console.log(JSON.stringify({ ...report, lookMs: middle(timesMs) }, null, 2))

async function lines(): Promise<unknown> {
  const asTexts = (rows: readonly (readonly [string, string, string])[], isGenuine: boolean): readonly Text[] =>
    rows.map(([language, kind, text]) => ({ text, kind: isGenuine ? kind : null, group: language }))
  const genuine = asTexts([...FIRST_GENUINE, ...SECOND_GENUINE], true)
  const head = yesNo(genuine, asTexts(FIRST_LOOK_ALIKES, false))
  const harmless = SECOND_LOOK_ALIKES.map(([, , text]) => text)
  const scored = [...asTexts(THIRD_GENUINE, true), ...asTexts(THIRD_LOOK_ALIKES, false)]
  return { examples: head.rows.length, ...(await figuresOf([{ head, harmless, scored }])) }
}

/** The logs of the tool chains that a setup is made of. */
interface Half {
  readonly genuine: readonly Text[]
  /** In random order. */
  readonly benign: readonly Text[]
}

async function buildLogs(
  setUp: (half: Half) => readonly [head: HeadExampleSet | null, harmless: readonly Text[]],
): Promise<unknown> {
  const logs = logTexts()
  if (logs.length === 0) return { reason: `traffic/logs.jsonl is not below ${values.data}; nothing was measured` }
  const chains = [...new Set(logs.map(({ group }) => group))].toSorted()
  const setups = [0, 1].map((half): Setup => {
    const isOwn = ({ group }: Text): boolean => chains.indexOf(group) % 2 === half
    const own = logs.filter(isOwn)
    const [head, harmless] = setUp({
      genuine: own.filter(({ kind }) => kind !== null),
      benign: shuffled(own.filter(({ kind }) => kind === null)),
    })
    return { head, harmless: harmless.map(({ text }) => text), scored: logs.filter((log) => !isOwn(log)) }
  })
  return figuresOf(setups)
}

interface Scored extends Text {
  readonly share: number
}

async function figuresOf(setups: readonly Setup[]): Promise<Record<string, unknown>> {
  const scored: Scored[] = []
  for (const setup of setups) scored.push(...(await scoresOf(setup)))
  const harmless = Math.min(...setups.map((setup) => setup.harmless.length))
  const genuine = scored.filter(({ kind }) => kind !== null)
  const benign = scored.filter(({ kind }) => kind === null)
  return {
    genuine: genuine.length,
    benign: benign.length,
    harmless,
    byRate: Object.fromEntries(RATES.map((rate) => [rate, atRate({ rate, harmless, genuine, benign })])),
  }
}

function atRate(at: {
  readonly rate: number
  readonly harmless: number
  readonly genuine: readonly Scored[]
  readonly benign: readonly Scored[]
}): unknown {
  const { rate, harmless, genuine, benign } = at
  if (harmless < leastUsual(rate)) return { off: `${harmless} of ${leastUsual(rate)} harmless texts` }
  const stops = ({ share }: Scored): boolean => share <= rate
  const besides = (terms: typeof PLAIN_WORDS): unknown => {
    const named = ({ text }: Text): boolean => findHardStops([{ field: 'text', text }], terms).length > 0
    const added = benign.filter((text) => stops(text) && !named(text)).length
    return {
      genuine: {
        byBoth: genuine.filter((text) => stops(text) && named(text)).length,
        byTermsAlone: genuine.filter((text) => !stops(text) && named(text)).length,
        byCheckAlone: genuine.filter((text) => stops(text) && !named(text)).length,
        missed: genuine.filter((text) => !stops(text) && !named(text)).length,
      },
      falseStops: { byTerms: benign.filter(named).length, addedByCheck: added, ...interval(added, benign.length) },
    }
  }
  const kinds = [...new Set(genuine.map(({ kind }) => kind))].toSorted()
  const found = (of: readonly Scored[]): string => `${of.filter(stops).length} of ${of.length}`
  return {
    byKind: Object.fromEntries(kinds.map((kind) => [kind, found(genuine.filter((one) => one.kind === kind))])),
    besidesShippedTerms: besides(policy.hardStops),
    besidesPlainWords: besides(PLAIN_WORDS),
  }
}

function interval(count: number, n: number): Record<string, unknown> {
  return { rate: Math.round((1000 * count) / n) / 1000, interval: percents(wilson(count, n)) }
}

/** The way of the product: prompt and excerpt, head, then the place among harmless texts. */
async function scoresOf({ head, harmless, scored }: Setup): Promise<readonly Scored[]> {
  const heads = new Map(head ? [['risky', head]] : [])
  const decider = withHeads(port, { heads, folder, excerpt: excerptForDecision })
  const yes = async (text: string): Promise<number> => {
    const call = decideCallFor(
      { name: 'risky', task: risky as NonNullable<typeof risky>, model: 'small', options: ['yes', 'no'], text },
      heads,
    )
    const result = await decider.decide?.(call, limits())
    return result?.options.find(({ value }) => value === 'yes')?.probability ?? 0
  }
  const usual: number[] = []
  for (const text of harmless) usual.push(await yes(text))
  const out: Scored[] = []
  for (const one of scored) out.push({ ...one, share: shareAtLeast(usual, await yes(one.text)) })
  return out
}

/** A text stands in several setups; its embedding is the same in all of them. */
function readOnce(from: ModelPort): ModelPort {
  const known = new Map<string, ReturnType<NonNullable<ModelPort['embed']>>>()
  const { embed, decide } = from
  if (!embed || !decide) throw new Error('the model reads nothing')
  return {
    ...from,
    decide: (call, given) => timed(() => decide.call(from, call, given)),
    embed: (text, given, frame) => {
      const key = JSON.stringify([text, frame])
      const found = known.get(key) ?? timed(() => embed.call(from, text, given, frame))
      known.set(key, found)
      return found
    },
  }
}

function logTexts(): readonly Text[] {
  const path = join(values.data, 'traffic/logs.jsonl')
  if (!existsSync(path)) return []
  const rows = readFileSync(path, 'utf8').trim().split('\n')
  return rows.map((line) => {
    const { text, hardStop, toolchain } = JSON.parse(line) as {
      readonly text: string
      readonly hardStop: string | null
      readonly toolchain: string
    }
    return { text, kind: hardStop, group: toolchain }
  })
}

/** Access and security of the shipped excerpts are the yes; they hold no production or irreversible ones. */
function shippedHead(): HeadExampleSet {
  const options = ['build', 'test', 'dependency', 'security', 'access', 'unknown']
  const read = readHeadExamples('shipped:classify-issue', { folder: ROOT, options })
  if ('problem' in read) throw new Error(read.problem)
  const rows = read.rows.map(({ text, label }) => ({
    text,
    label: label === 'access' || label === 'security' ? 'yes' : 'no',
  }))
  return headExampleSet(rows, ['yes', 'no'])
}

function yesNo(yes: readonly Text[], no: readonly Text[]): HeadExampleSet {
  const rows = [...yes.map(({ text }) => ({ text, label: 'yes' })), ...no.map(({ text }) => ({ text, label: 'no' }))]
  return headExampleSet(rows, ['yes', 'no'])
}

function shuffled(texts: readonly Text[]): readonly Text[] {
  const random = randomFrom(1)
  return texts
    .map((text) => ({ text, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ text }) => text)
}

async function timed<T>(read: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const done = await read()
  timesMs.push(performance.now() - startedMs)
  return done
}

/** Milliseconds of one look of the model at a text; a reading is one look without a head, two or three with one. */
function middle(times: readonly number[]): Record<string, number> {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  return { p50: at(0.5), p95: at(0.95), n: sorted.length }
}

function limits(): CallLimits {
  const ms = 1_800_000
  const deadlines = { connectMs: ms, firstByteMs: ms, idleMs: ms, totalMs: ms }
  return { signal: AbortSignal.timeout(ms), deadlines }
}
