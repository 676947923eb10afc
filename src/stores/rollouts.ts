/** The stages that operators and evidence moved: a file in the state directory that every process of the machine looks at. */
import { join } from 'node:path'
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { stageSchema } from '../spec/policy-tasks.ts'
import {
  type RolloutBook,
  type RolloutChange,
  type RolloutInForce,
  type SetupInForce,
  type Standing,
  sameStage,
} from '../spec/rollout.ts'
import { type Candidate, candidateSchema, localSetupSchema, sameSetup } from '../spec/rotation.ts'
import { openWatchedFile } from './watched-file.ts'

export interface RolloutStore extends RolloutBook {
  /** The last move of every task, lapsed ones included. @throws RouterError rollouts_unreadable */
  list(): readonly RolloutInForce[]
  /** The latest moves, oldest first. @throws RouterError rollouts_unreadable */
  history(): readonly RolloutChange[]
  /**
   * @param record writes it down for the audit; called before the candidate is there, and not at all when it will not be
   * @returns false when the task has a candidate, or somebody else is at it
   */
  start(candidate: Candidate, record: () => void): boolean
  /** The same for its end. @returns false when that candidate is there no more, or somebody else is at it */
  discard(id: string, record: () => void): boolean
}

const MOST_CHANGES = 500

const identity = z.object({ digest: z.string().nullable(), quantisation: z.string().nullable(), servedBy: z.string() })
const model = z.object({ name: z.string(), identity }).nullable()
const change = z.object({
  id: z.string(),
  task: z.string(),
  action: z.enum(['promote', 'rollback', 'rotate']),
  cause: z.enum(['operator', 'label_error', 'drift']),
  from: stageSchema,
  to: stageSchema,
  over: stageSchema.nullable(),
  after: z.string().nullable(),
  why: z.string(),
  by: z.string(),
  at: z.string(),
  policyDigest: z.string(),
  model,
  evidence: z
    .object({
      n: z.number(),
      errors: z.number(),
      lower: z.number().nullable(),
      upper: z.number().nullable(),
      maxErrorRate: z.number().nullable(),
      detail: z.string().optional(),
    })
    .transform(({ detail, ...counts }) => ({ ...counts, ...(detail !== undefined && { detail }) }))
    .nullable(),
  setup: localSetupSchema.optional(),
  setupBefore: localSetupSchema.optional(),
  modelBefore: model.optional(),
})
const standing = z.object({
  stage: stageSchema,
  model,
  policyDigest: z.string(),
  setup: localSetupSchema.optional(),
})
const fileSchema = z.strictObject({
  inForce: z.array(change.extend({ before: z.array(standing) })),
  history: z.array(change),
  candidates: z.array(candidateSchema).default([]),
})
interface File {
  readonly inForce: readonly RolloutInForce[]
  readonly history: readonly RolloutChange[]
  readonly candidates: readonly Candidate[]
}

/** @param waitMs how long a move waits for another one that is under way; a gateway answers nobody meanwhile, and does not wait */
export function openRollouts(stateDir: string, monotonicMs: () => number, waitMs = 0): RolloutStore {
  const path = join(stateDir, 'rollouts.json')
  const file = openWatchedFile<File>({
    path,
    schema: fileSchema,
    nothing: { inForce: [], history: [], candidates: [] },
    unreadable: (error) => new RouterError('rollouts_unreadable', { path }, error),
    monotonicMs,
  })
  const setups = remembered((value: File) => value.inForce.flatMap(setupOf))
  const changed = (work: (now: File) => File | null): boolean =>
    file.alone(waitMs, () => {
      const next = work(file.read())
      if (next) file.write(next)
      return next !== null
    }) === true
  return {
    find(task, written) {
      const { value } = file.look()
      if (!value) return written === 'off' ? null : heldBack(task, written, path)
      return value.inForce.find((one) => one.task === task && sameStage(one.over, written)) ?? null
    },
    problem: () => file.look().problem?.message ?? null,
    setups: () => setups(file.look().value),
    candidates: () => file.look().value?.candidates ?? NOTHING,
    list: () => file.read().inForce,
    history: () => file.read().history,
    move: (change, record) =>
      changed((now) => {
        const { task } = change
        const current = now.inForce.find((one) => one.task === task && sameStage(one.over, change.over))
        if ((current?.id ?? null) !== change.after) return null
        const others = now.inForce.filter((one) => one.task !== task)
        record()
        const moved = { ...change, before: beforeOf(change, current) }
        const history = [...now.history, change].slice(-MOST_CHANGES)
        const isOver = change.action === 'rotate'
        const candidates = isOver ? now.candidates.filter((one) => one.task !== task) : now.candidates
        return { inForce: [...others, moved], history, candidates }
      }),
    start: (candidate, record) =>
      changed((now) => {
        // One that was started over something else in the policy has lapsed.
        const own = now.candidates.find(({ task }) => task === candidate.task)
        if (own && own.setup.over === candidate.setup.over) return null
        record()
        return { ...now, candidates: [...now.candidates.filter((one) => one !== own), candidate] }
      }),
    discard: (id, record) =>
      changed((now) => {
        const candidates = now.candidates.filter((one) => one.id !== id)
        if (candidates.length === now.candidates.length) return null
        record()
        return { ...now, candidates }
      }),
  }
}

const NOTHING: readonly never[] = []

function setupOf({ task, setup }: RolloutInForce): readonly SetupInForce[] {
  return setup ? [{ task, setup }] : []
}

/** Whoever compares by identity sees a change where there is one. */
function remembered<Of extends object, T>(make: (of: Of) => readonly T[]): (of: Of | null) => readonly T[] {
  const known = new WeakMap<Of, readonly T[]>()
  return (of) => {
    if (of === null) return NOTHING
    const found = known.get(of) ?? make(of)
    known.set(of, found)
    return found
  }
}

/** For a router that is a trial, whose results move nobody's stage. */
export const NO_ROLLOUTS: RolloutBook = {
  find: () => null,
  problem: () => null,
  setups: () => NOTHING,
  candidates: () => NOTHING,
  move: () => false,
}

/** A rollback leaves one step behind it, and so does whatever leads to or below a stage that was left before. */
function beforeOf(change: RolloutChange, current: RolloutInForce | undefined): RolloutInForce['before'] {
  const before = current?.before ?? []
  if (change.action === 'rollback') {
    const isBack = (one: Standing): boolean => sameStage(one.stage, change.to)
    const whole = before.findLastIndex((one) => isBack(one) && sameSetup(one.setup, change.setup))
    const at = whole < 0 ? before.findLastIndex(isBack) : whole
    return at < 0 ? [] : before.slice(0, at)
  }
  const { from: stage, setupBefore: setup } = change
  // Of a rotation `model` is who comes, and not who was there.
  const model = change.action === 'rotate' ? (change.modelBefore ?? null) : (current?.model ?? change.model)
  const policyDigest = current?.policyDigest ?? change.policyDigest
  return [...before, { stage, model, policyDigest, ...(setup && { setup }) }]
}

/** Somebody moved something that cannot be read: until it can, nothing local is served. */
function heldBack(task: string, written: RolloutInForce['over'] | undefined, path: string): RolloutInForce {
  return {
    id: 'unreadable',
    task,
    action: 'rollback',
    cause: 'operator',
    from: written ?? 'shadow',
    to: 'shadow',
    over: written ?? null,
    after: null,
    why: `${path} cannot be read`,
    by: 'spillway',
    at: new Date().toISOString(),
    policyDigest: '',
    model: null,
    evidence: null,
    before: [],
  }
}
