import { RouterError } from '../../spec/errors.ts'
import type { JsonLeaf } from '../../spec/ports.ts'
import type { Choice, JsonCursor } from './json-cursor.ts'
import {
  type ArrayPlan,
  itemPlan,
  nextProperties,
  openings,
  type Plan,
  type PlannedProperty,
  targetOf,
} from './json-plan.ts'
import { NumberScan, StringScan } from './json-scan.ts'
import type { TokenReading } from './signals.ts'

/** What a leaf was read from. */
interface Evidence {
  readonly logprob: number | null
  readonly margin: number | null
  readonly readings: readonly TokenReading[]
}

/** Where a value stands. */
interface Place {
  readonly pointer: string
  /** Levels of nesting around it. */
  readonly depth: number
  /** JSON texts that may not be chosen again. */
  readonly taken?: ReadonlySet<string>
}

/**
 * Writes a value of a plan: what the plan fixes is written, a closed set is decided by the probabilities of its values
 * in that place, strings and numbers are generated. Structure that is open (another item, an optional property, a
 * branch of a union) is decided the same way, but counts neither as a leaf nor in the signals.
 */
export class JsonWriter {
  readonly leaves: JsonLeaf[] = []
  /** Of the tokens of the leaves, in order. */
  readonly readings: TokenReading[] = []
  readonly #cursor: JsonCursor
  /** The choice of a union that was made last: it decides a value that its branch leaves no choice about. */
  #branchChoice: Evidence | null = null

  constructor(cursor: JsonCursor) {
    this.#cursor = cursor
  }

  /** @throws RouterError request_invalid when the plan nests without end; the signal's reason */
  async write(plan: Plan): Promise<void> {
    await this.#value(plan, { pointer: '', depth: 0 })
  }

  async #value(plan: Plan, place: Place): Promise<void> {
    if (this.#cursor.isFull) return
    switch (plan.kind) {
      case 'written':
        this.#cursor.write(plan.json)
        return this.#fixedLeaf(place)
      case 'choice':
        return await this.#choice(plan.values, place)
      case 'string':
        return await this.#string(plan, place)
      case 'number': {
        const readings = await this.#cursor.generate(new NumberScan(plan))
        return this.#leaf(place, 'generated', { ...sumOf(readings), readings })
      }
      case 'object':
        return await this.#object(plan.properties, place)
      case 'map':
        return await this.#map(plan, place)
      case 'array':
        return await this.#array(plan, place)
      case 'union':
        return await this.#union(plan.branches, place)
      case 'reference':
        return await this.#value(plan.target(), place)
    }
  }

  async #choice(values: readonly string[], place: Place): Promise<void> {
    const left = values.filter((value) => place.taken?.has(value) !== true)
    const texts = left.length === 0 ? values : left
    if (texts.length === 1) {
      this.#cursor.write(texts[0] ?? 'null')
      return this.#fixedLeaf(place)
    }
    const choice = await this.#cursor.choose(texts)
    if (choice === null) return
    this.#cursor.write(texts[choice.best] ?? 'null')
    this.#leaf(place, 'decided', evidenceOf(choice))
  }

  async #string(plan: { readonly minLength: number; readonly maxLength: number }, place: Place): Promise<void> {
    this.#cursor.write('"')
    const scan = new StringScan(plan)
    const readings = scan.isFull ? [] : await this.#cursor.generate(scan)
    this.#cursor.write('"')
    this.#leaf(place, 'generated', { ...sumOf(readings), readings })
  }

  async #object(properties: readonly PlannedProperty[], place: Place): Promise<void> {
    const inside = nested(place)
    let from = 0
    let written = 0
    let ending: Evidence | null = null
    this.#cursor.write('{')
    while (!this.#cursor.isFull) {
      const lead = written === 0 ? '' : ', '
      const next = await this.#nextProperty(nextProperties(properties, from), { lead, depth: inside.depth })
      ending = next.evidence
      if (next.property === null) break
      this.#cursor.write(`${lead}${JSON.stringify(next.property.key)}: `)
      await this.#value(next.property.plan, { ...inside, pointer: `${place.pointer}/${escaped(next.property.key)}` })
      from = properties.indexOf(next.property) + 1
      written += 1
    }
    this.#cursor.write('}')
    if (written === 0) this.#fixedLeaf(place, ending)
  }

  /** A null property ends the object; null evidence says that nothing was asked. */
  async #nextProperty(
    { candidates, mayEnd }: ReturnType<typeof nextProperties>,
    at: { readonly lead: string; readonly depth: number },
  ): Promise<{ readonly property: PlannedProperty | null; readonly evidence: Evidence | null }> {
    if (candidates.length === (mayEnd ? 0 : 1) || at.depth >= CLOSING_DEPTH) {
      return { property: mayEnd ? null : (candidates.at(-1) ?? null), evidence: null }
    }
    const texts = candidates.map(({ key }) => `${at.lead}${JSON.stringify(key)}:`)
    const choice = await this.#cursor.choose(mayEnd ? [...texts, '}'] : texts)
    if (choice === null) return { property: null, evidence: null }
    return { property: candidates[choice.best] ?? null, evidence: evidenceOf(choice) }
  }

  async #map(
    plan: { readonly value: Plan; readonly minEntries: number; readonly maxEntries: number },
    place: Place,
  ): Promise<void> {
    const inside = nested(place)
    const keys = new Set<string>()
    const most = inside.depth >= CLOSING_DEPTH ? plan.minEntries : plan.maxEntries
    let ending: Evidence | null = null
    this.#cursor.write('{')
    while (keys.size < most) {
      const lead = keys.size === 0 ? '"' : ', "'
      ending = keys.size < plan.minEntries ? null : await this.#ending([lead], '}')
      if (ending !== null) break
      const before = this.#cursor.mark()
      const key = await this.#key(lead)
      if (key === null) break
      // A name that stands there already says that the model runs in a circle.
      if (keys.has(key)) {
        this.#cursor.rewind(before)
        break
      }
      await this.#value(plan.value, { ...inside, pointer: `${place.pointer}/${escaped(key)}` })
      keys.add(key)
    }
    this.#cursor.write('}')
    if (keys.size === 0) this.#fixedLeaf(place, ending)
  }

  /** A name the model makes up; null when the cap is reached. */
  async #key(lead: string): Promise<string | null> {
    this.#cursor.write(lead)
    const before = this.#cursor.mark()
    await this.#cursor.generate(new StringScan({ minLength: 1, maxLength: MAX_KEY_LENGTH }))
    if (this.#cursor.isFull) return null
    const key = String(JSON.parse(`"${this.#cursor.since(before)}"`))
    this.#cursor.write('": ')
    return key
  }

  async #array(plan: ArrayPlan, place: Place): Promise<void> {
    const inside = nested(place)
    const taken = new Set<string>()
    const most = inside.depth >= CLOSING_DEPTH ? plan.minItems : Math.min(plan.maxItems, distinctItems(plan))
    let items = 0
    let ending: Evidence | null = null
    this.#cursor.write('[')
    while (items < most && !this.#cursor.isFull) {
      const item = itemPlan(plan, items)
      ending = items < plan.minItems ? null : await this.#ending(items === 0 ? openings(item) : [','], ']')
      if (ending !== null) break
      this.#cursor.write(items === 0 ? '' : ', ')
      const before = this.#cursor.mark()
      await this.#value(item, { ...inside, pointer: `${place.pointer}/${items}`, ...(plan.unique && { taken }) })
      taken.add(this.#cursor.since(before).trim())
      items += 1
    }
    this.#cursor.write(']')
    if (items === 0) this.#fixedLeaf(place, ending)
  }

  /** Null when the model would rather go on with one of the texts than end. */
  async #ending(begins: readonly string[], end: string): Promise<Evidence | null> {
    const choice = await this.#cursor.choose([end, ...begins])
    const share = choice?.probabilities[0] ?? 0
    if (choice === null || share < 0.5) return null
    return { logprob: choice.logprobs[0] ?? null, margin: 2 * share - 1, readings: choice.readings[0] ?? [] }
  }

  async #union(branches: readonly Plan[], place: Place): Promise<void> {
    const possible = place.depth >= CLOSING_DEPTH ? shallowest(branches) : branches
    const all = possible.flatMap((branch, at) => openings(branch).map((text) => ({ text, at })))
    // What two branches begin with cannot tell them apart: the first one gets it.
    const begins = all.filter(({ text }, index) => all.findIndex((begin) => begin.text === text) === index)
    const choice = await this.#cursor.choose(begins.map(({ text }) => text))
    if (choice === null) return
    const shares = possible.map((_, at) =>
      begins.reduce((sum, begin, index) => sum + (begin.at === at ? (choice.probabilities[index] ?? 0) : 0), 0),
    )
    const best = shares.indexOf(Math.max(...shares))
    const [first = 0, second = 0] = shares.toSorted((a, b) => b - a)
    const own = choice.logprobs.filter((_, index) => begins[index]?.at === best)
    const likeliest = choice.logprobs.indexOf(own.toSorted((a, b) => (b ?? -Infinity) - (a ?? -Infinity))[0] ?? null)
    this.#branchChoice = {
      logprob: logSum(own),
      margin: first - second,
      readings: choice.readings[likeliest] ?? [],
    }
    const chosen = possible[best]
    if (chosen !== undefined) await this.#value(chosen, place)
  }

  /** A value the plan leaves no choice about; decided all the same when the model chose what fixes it. */
  #fixedLeaf(place: Place, choice: Evidence | null = null): void {
    const chosen = choice ?? this.#branchChoice
    if (chosen === null) this.#leaf(place, 'written', { logprob: null, margin: null, readings: [] })
    else this.#leaf(place, 'decided', chosen)
  }

  /** A leaf that the cap cut off is none, but its tokens were read. */
  #leaf({ pointer }: Place, by: JsonLeaf['by'], evidence: Evidence): void {
    this.#branchChoice = null
    this.readings.push(...evidence.readings)
    if (this.#cursor.isFull) return
    this.leaves.push({ pointer, by, logprob: evidence.logprob, margin: evidence.margin })
  }
}

/** From this depth on what may be left out is left out: the schema may hold itself, and the model may not stop. */
const CLOSING_DEPTH = 16
/** Only a schema that must hold itself gets here. */
const MAX_DEPTH = 64
/** Code points of a name the model makes up. */
const MAX_KEY_LENGTH = 64

function nested(place: Place): Place {
  if (place.depth < MAX_DEPTH) return { pointer: place.pointer, depth: place.depth + 1 }
  throw new RouterError('request_invalid', {
    path: 'schema',
    problem: `its values cannot end: they nest deeper than ${MAX_DEPTH} levels`,
    fix: 'Make the part that refers to itself optional.',
  })
}

function shallowest(branches: readonly Plan[]): readonly Plan[] {
  const flat = branches.filter((branch) => !['object', 'array', 'map'].includes(targetOf(branch).kind))
  return flat.length === 0 ? branches : flat
}

/** How many different items there can be when none may repeat. */
function distinctItems(plan: ArrayPlan): number {
  const item = targetOf(plan.item)
  return plan.unique && plan.prefix.length === 0 && item.kind === 'choice' ? item.values.length : Infinity
}

function evidenceOf(choice: Choice): Evidence {
  const [first = 0, second = 0] = choice.probabilities.toSorted((a, b) => b - a)
  return {
    logprob: choice.logprobs[choice.best] ?? null,
    margin: first - second,
    readings: choice.readings[choice.best] ?? [],
  }
}

function sumOf(readings: readonly TokenReading[]): { readonly logprob: number | null; readonly margin: null } {
  const known = readings.map((reading) => reading.logprob).filter((logprob) => logprob !== null)
  const whole = known.length === readings.length && known.length > 0
  return { logprob: whole ? known.reduce((sum, logprob) => sum + logprob, 0) : null, margin: null }
}

/** Log of the sum of the probabilities; null when one is missing. */
function logSum(logprobs: readonly (number | null)[]): number | null {
  const known = logprobs.filter((logprob) => logprob !== null)
  if (known.length < logprobs.length || known.length === 0) return null
  const largest = Math.max(...known)
  const sum = known.reduce((total, logprob) => total + Math.exp(logprob - largest), 0)
  return Math.min(0, largest + Math.log(sum))
}

/** @see RFC 6901, section 3 */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
