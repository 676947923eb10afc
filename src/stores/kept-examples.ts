/** The examples that tasks keep of their traffic: JSON Lines, a file for each task, readable by their owner only. */
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { LABEL_SOURCES } from '../spec/label.ts'
import type { ExampleBook, ExampleOwner, KeptExample } from '../spec/learned.ts'
import { type PurgeFilter, subjectHash } from './retention.ts'
import { secretKey } from './secret-key.ts'

export interface KeptExamples extends ExampleBook {
  /** Newest last. What is too old, or too many, is deleted from the disk. */
  list(task: string, limits: KeptLimits): readonly KeptExample[]
  /** Removes what the filter names, of every task. */
  purge(filter: ExamplePurge): PurgedExamples
  /** Removes what a task has kept. @returns the number of examples that were there */
  forget(task: string): number
}

/** All that is given must hold; what belongs to one of the requests goes in any case. */
export interface ExamplePurge extends PurgeFilter {
  readonly requestIds: ReadonlySet<string>
  /** Only counts. */
  readonly dryRun: boolean
}

export interface PurgedExamples {
  readonly examples: number
  /** The texts that were removed, by task file. */
  readonly texts: ReadonlySet<string>
  /** Kept before examples had an owner: nobody knows whose they are. */
  readonly ownerless: number
}

export interface KeptLimits {
  readonly maxExamples: number
  /** ISO 8601, UTC; examples before it are too old. */
  readonly since: string
}

const label = z.strictObject({ value: z.string(), source: z.enum(LABEL_SOURCES) })
const exampleLine = z.strictObject({
  requestId: z.string(),
  text: z.string(),
  at: z.string(),
  isFair: z.boolean(),
  label: label.nullable(),
  /** Keyed hashes: a name is found again, and cannot be read. */
  owner: z.strictObject({ tenant: z.string().nullable(), user: z.string().nullable() }).optional(),
})
const labelLine = z.strictObject({ requestId: z.string(), label })

/** What the policy of a task keeps. @param nowMs epoch milliseconds */
export function keptLimits(
  { days, maxExamples }: { readonly days: number; readonly maxExamples: number },
  nowMs: number,
): KeptLimits {
  return { maxExamples, since: new Date(nowMs - days * DAY_MS).toISOString() }
}

const DAY_MS = 86_400_000

/** @param folder made with the first example */
export function openKeptExamples(folder: string): KeptExamples {
  const append = (task: string, line: () => unknown): void => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      // The line break comes first: what follows a line that a crash cut off stands on its own.
      appendFileSync(fileOf(folder, task), `\n${JSON.stringify(line())}`, { mode: 0o600 })
    } catch {
      // A full disk must not stop answers; the next `learn` sees fewer examples.
    }
  }
  return {
    keep: (task, example, owner) =>
      append(task, () => (owner ? { ...example, owner: hashed(folder, owner) } : example)),
    label: (task, requestId, given) => append(task, () => ({ requestId, label: given })),
    list(task, { maxExamples, since }) {
      const { examples, lines } = read(fileOf(folder, task))
      const kept = examples.filter(({ at }) => at >= since).slice(-maxExamples)
      // Labels stand on lines of their own, so a file without anything to delete may be longer, too.
      if (examples.length > kept.length || lines > 2 * kept.length) rewrite(fileOf(folder, task), kept)
      return kept.map(withoutOwner)
    },
    purge: (filter) => purge(folder, filter),
    forget(task) {
      const { examples } = read(fileOf(folder, task))
      rmSync(fileOf(folder, task), { force: true })
      return examples.length
    },
  }
}

function fileOf(folder: string, task: string): string {
  return join(folder, `${createHash('sha256').update(task).digest('hex').slice(0, 32)}.jsonl`)
}

/** A key of its own: what is deleted with the audit must not be told from what is kept here. */
function hashed(folder: string, { tenant, user }: ExampleOwner): NonNullable<StoredExample['owner']> | undefined {
  const key = secretKey(join(folder, 'owner.key'))
  if (!key) return undefined
  const hash = (kind: string, name: string | null): string | null =>
    name === null ? null : subjectHash(key, `${kind} ${name}`)
  return { tenant: hash('tenant', tenant), user: hash('user', user) }
}

function purge(folder: string, filter: ExamplePurge): PurgedExamples {
  const files = exampleFiles(folder)
  const { tenant = null, subject = null } = filter
  const isOwned = tenant !== null || subject !== null
  const wanted = isOwned && files.length > 0 ? hashed(folder, { tenant, user: subject }) : undefined
  const texts = new Set<string>()
  let [count, ownerless] = [0, 0]
  for (const file of files) {
    const { examples } = read(file)
    const gone = examples.filter((example) => isMeant(example, filter, isOwned ? wanted : 'anybody'))
    ownerless += isOwned ? examples.filter((one) => one.owner === undefined && !gone.includes(one)).length : 0
    count += gone.length
    for (const { text } of gone) texts.add(text)
    if (gone.length === 0 || filter.dryRun) continue
    const left = examples.filter((example) => !gone.includes(example))
    if (left.length === 0) rmSync(file, { force: true })
    else rewrite(file, left)
  }
  return { examples: count, texts, ownerless }
}

function isMeant(
  { requestId, at, owner }: StoredExample,
  { beforeMs, requestIds }: ExamplePurge,
  wanted: StoredExample['owner'] | 'anybody',
): boolean {
  if (requestIds.has(requestId)) return true
  if (beforeMs !== undefined && Date.parse(at) >= beforeMs) return false
  if (wanted === 'anybody') return beforeMs !== undefined
  if (!wanted || !owner) return false
  const matches = (key: 'tenant' | 'user'): boolean => wanted[key] === null || wanted[key] === owner[key]
  return matches('tenant') && matches('user')
}

function exampleFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

type StoredExample = z.output<typeof exampleLine>

function withoutOwner({ owner: _, ...example }: StoredExample): KeptExample {
  return example
}

/** Of several labels the surest source counts, and of one source the latest. */
function read(file: string): { readonly examples: readonly StoredExample[]; readonly lines: number } {
  const found = new Map<string, StoredExample>()
  const lines = textOf(file)
    .split('\n')
    .filter((line) => line !== '')
  for (const line of lines) {
    const value = parsed(line)
    const example = exampleLine.safeParse(value).data
    const later = labelLine.safeParse(value).data
    if (example && !found.has(example.requestId)) found.set(example.requestId, example)
    const known = later && found.get(later.requestId)
    if (known && surer(later.label, known.label)) found.set(known.requestId, { ...known, label: later.label })
  }
  return { examples: [...found.values()], lines: lines.length }
}

function surer(one: z.output<typeof label>, other: KeptExample['label']): boolean {
  return other === null || LABEL_SOURCES.indexOf(one.source) <= LABEL_SOURCES.indexOf(other.source)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** A line that a crash cut off is nothing. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function rewrite(file: string, examples: readonly StoredExample[]): void {
  const draft = `${file}.draft`
  writeFileSync(draft, examples.map((example) => JSON.stringify(example)).join('\n'), { mode: 0o600 })
  renameSync(draft, file)
}
