/** The conditions of the study as tasks of one policy: every set once in every way. */
import type { PolicyInput } from '../../spec/policy.ts'
import { SET_DETAILS, type StudySet } from './sets.ts'

/** Those that are asked through the router, in this order: whole local answers come first, so that later conditions reuse them. */
export const ASKED = [
  'local_only',
  'local_in_words',
  'frontier_only',
  'cascade',
  'draft_verify',
  'buddy',
  'consensus',
  'specialist',
  'advisor_hosted_worker',
  'advisor',
  'advisor_no_document',
] as const
export type AskedCondition = (typeof ASKED)[number]

/** Local models write long texts in them. */
const SLOW: ReadonlySet<AskedCondition> = new Set(['local_in_words', 'advisor', 'advisor_no_document'])

/** In which order they are asked, all rows of one pass before the next: what takes longest for a row comes last. */
export const PASSES: readonly (readonly AskedCondition[])[] = [
  ASKED.filter((condition) => !SLOW.has(condition)),
  ASKED.filter((condition) => SLOW.has(condition)),
]

/** Those that are put together from rows of local_only and frontier_only. */
export const COMPOSED = ['random', 'oracle'] as const
export type Condition = AskedCondition | (typeof COMPOSED)[number]

type Task = NonNullable<PolicyInput['tasks']>[string]

export interface StudyModels {
  /** Ids at their provider. */
  readonly frontier: string
  readonly cheap: string
  readonly provider: 'anthropic' | 'openai'
}

export interface StudyPolicy {
  readonly models: StudyModels
  readonly sets: readonly StudySet[]
  /** Examples of the sets that have a head. */
  readonly examples: ReadonlyMap<StudySet, string>
  /** Share of wrong answers among those accepted. */
  readonly alpha: number
  /** Share of the requests of bounded tasks whose local answer is kept for a label: 1 while thresholds are fitted, else 0. */
  readonly auditRate: 0 | 1
}

export function taskName(set: StudySet, condition: AskedCondition): string {
  return `${set}_${condition}`
}

/** The set of a task. */
export function setOf(task: string): string {
  return task.split('_')[0] ?? task
}

/** Why a condition is not measured on a set; null where it is. */
export function whyNot(set: StudySet, condition: Condition): string | null {
  const { kind } = SET_DETAILS[set]
  if (condition === 'local_in_words') return kind === 'text' ? 'local_only is asked in words already' : null
  if (condition === 'buddy' && (kind === 'entities' || kind === 'similarity'))
    return `answers of kind ${kind} have no span to ask about`
  if (condition === 'consensus' && (kind === 'entities' || kind === 'similarity'))
    return `two answers of kind ${kind} are hardly ever the same vote`
  if (condition === 'specialist' && kind !== 'text')
    return 'the pattern is for written answers, and nothing in these questions calls a specialist'
  return null
}

/**
 * No hard stops: they would send the same few texts to the frontier in every condition. Everything is public, so that nothing is
 * masked and a frontier meets the text of the set.
 */
export function studyPolicy({ models, sets, examples, alpha, auditRate }: StudyPolicy): PolicyInput {
  const hosted = (model: string) => ({
    provider: models.provider,
    model,
    tier: 'frontier' as const,
    apiKey: models.provider === 'anthropic' ? '${env:ANTHROPIC_API_KEY}' : '${env:OPENAI_API_KEY}',
    maxOutputTokens: 1024,
  })
  const tasks = sets.flatMap((set) =>
    ASKED.filter((condition) => whyNot(set, condition) === null).map(
      (condition) => [taskName(set, condition), taskOf(set, condition, { examples, alpha, auditRate })] as const,
    ),
  )
  return {
    models: {
      small: {
        provider: 'embedded',
        model: 'smollm2-135m-instruct',
        tier: 'local_fast',
        contextTokens: 4096,
        maxOutputTokens: 224,
        threads: 1,
      },
      frontier: hosted(models.frontier),
      blind: hosted(models.frontier),
      cheap: hosted(models.cheap),
    },
    privacy: { default: 'public' },
    hardStops: { access: [], security: [], production: [], irreversible: [] },
    cache: { exact: false },
    deadlines: {
      local_fast: { total: '10m', firstByte: '10m', idle: '10m', load: '10m' },
    },
    tasks: Object.fromEntries(tasks),
  }
}

type TaskContext = Pick<StudyPolicy, 'examples' | 'alpha' | 'auditRate'>

function taskOf(set: StudySet, condition: AskedCondition, context: TaskContext): Task {
  const { kind, instruction, isBounded } = SET_DETAILS[set]
  const examples = context.examples.get(set)
  const typed: Task = {
    kind,
    description: instruction,
    ...(kind === 'choice' && { labels: [...LABELS[set as 'agnews' | 'sst2']] }),
    ...(examples !== undefined && { head: { examples } }),
    ...COMMON,
  }
  switch (condition) {
    case 'local_only':
      return { ...typed, frontier: false, pattern: 'direct', ...OPEN }
    case 'local_in_words':
      return { ...COMMON, kind: 'text', frontier: false, pattern: 'direct', ...OPEN }
    case 'frontier_only':
      return { ...typed, local: false }
    case 'cascade':
      return isBounded ? { ...typed, accept: boundOf(context) } : typed
    case 'draft_verify':
      return { ...typed, pattern: { draft_verify: {} } }
    case 'buddy':
      return { ...typed, pattern: { buddy: {} } }
    case 'consensus':
      return {
        ...typed,
        frontier: ['cheap', 'frontier'],
        pattern: {
          consensus: { with: ['small', 'cheap', 'frontier'], ...(kind === 'text' && { equality: 'numeric' }) },
        },
      }
    case 'specialist':
      return { ...typed, pattern: { specialist: {} } }
    case 'advisor_hosted_worker':
      return {
        ...{ ...COMMON, ...OPEN, kind: 'text' },
        frontier: ['cheap', 'frontier'],
        pattern: { advisor: { executor: 'cheap', by: 'frontier' } },
      }
    case 'advisor':
      return { ...COMMON, kind: 'text', pattern: { advisor: {} }, ...OPEN }
    case 'advisor_no_document':
      return { ...COMMON, kind: 'text', frontier: 'blind', pattern: { advisor: {} }, ...OPEN }
  }
}

const LABELS = {
  agnews: ['World', 'Sports', 'Business', 'Science/Technology'],
  sst2: ['positive', 'negative'],
} as const

const COMMON = {
  local: 'small',
  frontier: 'frontier',
  stage: 'accept',
  partition: 'public',
  maxInputChars: 100_000,
  accept: { uncalibrated: true, auditRate: 0 },
} satisfies Task

/** No plain threshold speaks: the answer is given as it is, or advice alone decides. */
const OPEN = { gates: { entropyNats: null }, minConfidence: 0 } satisfies Task

export function boundOf({ alpha, auditRate }: Pick<StudyPolicy, 'alpha' | 'auditRate'>) {
  return { maxErrorRate: alpha, confidence: 0.95, auditRate, labels: 'gold' as const }
}
