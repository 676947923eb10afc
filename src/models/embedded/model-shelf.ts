import { requireMemory } from './memory.ts'
import type { LoadedModelRow, ModelSpec } from './protocol.ts'
import { copiesToUnload, roomBytes, UNLIMITED } from './room.ts'
import type { RunningModel } from './running-model.ts'

interface Entry {
  readonly spec: ModelSpec
  readonly running: Promise<RunningModel>
  ready: RunningModel | null
  users: number
  lastUsedMs: number
  timer: NodeJS.Timeout | null
}

export interface ShelfSettings {
  readonly load: (spec: ModelSpec) => Promise<RunningModel>
  /** Bytes that a load will take. @throws RouterError when the file cannot be read */
  readonly needBytes: (spec: ModelSpec) => number
  /** Bytes that can be taken without swapping. */
  readonly availableMemory: () => number
  readonly monotonicMs: () => number
  /** Called with what is loaded, after each load and unload. */
  readonly changed?: (loaded: readonly { readonly spec: ModelSpec; readonly needBytes: number }[]) => void
}

/** Longer timers fire at once (`setTimeout` counts in 32 bits): 24 days. */
const MAX_TIMER_MS = 2_147_483_647

/**
 * The models that are loaded or loading: one load per model, others wait for it; idle ones are unloaded after their time,
 * or before it when another load needs the room.
 */
export class ModelShelf {
  readonly #settings: ShelfSettings
  readonly #entries = new Map<string, Entry>()
  /** Unloads under way; their memory is about to be free. */
  readonly #leaving = new Set<Promise<void>>()
  #loads: Promise<unknown> = Promise.resolve()

  constructor(settings: ShelfSettings) {
    this.#settings = settings
  }

  /** True when a call would have to load or to wait for a load. */
  isLoading(spec: ModelSpec): boolean {
    return (this.#entries.get(keyOf(spec))?.ready ?? null) === null
  }

  /** The row of a copy that is loaded or loading; null when there is none. */
  row(spec: ModelSpec): LoadedModelRow | null {
    const entry = this.#entries.get(keyOf(spec))
    return entry === undefined ? null : rowOf(entry)
  }

  /**
   * Runs `work` with the model loaded; it stays loaded until it was unused for the spec's `idleUnloadMs`. A copy in use
   * is never unloaded: users are counted before anything is awaited.
   *
   * @throws RouterError memory_no_fit; what the load or the work throws
   */
  async use<T>(spec: ModelSpec, work: (running: RunningModel) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(keyOf(spec)) ?? this.#add(spec)
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    entry.users++
    try {
      return await work(await entry.running)
    } finally {
      entry.users--
      entry.lastUsedMs = this.#settings.monotonicMs()
      if (entry.users === 0) this.#unloadLater(entry, spec.idleUnloadMs)
    }
  }

  /** Unloads every idle copy of a file; busy ones stay. */
  async unload(digest: string): Promise<number> {
    const idle = [...this.#entries.values()].filter((entry) => entry.spec.digest === digest && isIdle(entry))
    await Promise.all(idle.map((entry) => this.#remove(entry)))
    return idle.length
  }

  rows(): readonly LoadedModelRow[] {
    return [...this.#entries.values()].map(rowOf)
  }

  #add(spec: ModelSpec): Entry {
    // One after the other: two loads at once would both see the same free memory.
    const running = this.#loads.then(async () => {
      await this.#makeRoom(spec)
      return await this.#settings.load(spec)
    })
    this.#loads = running.catch(() => undefined)
    const entry: Entry = { spec, running, ready: null, users: 0, lastUsedMs: this.#settings.monotonicMs(), timer: null }
    this.#entries.set(keyOf(spec), entry)
    running.then(
      (ready) => {
        entry.ready = ready
        this.#tell()
      },
      () => this.#entries.delete(keyOf(spec)),
    )
    return entry
  }

  /** Unloads idle copies until the load fits; loads come one by one, so nothing else takes the room in between. */
  async #makeRoom(spec: ModelSpec): Promise<void> {
    await Promise.allSettled(this.#leaving)
    const needBytes = this.#settings.needBytes(spec)
    const held = [...this.#entries.values()].flatMap((entry) => (entry.ready === null ? [] : [heldCopy(entry)]))
    const budget = spec.memory ?? UNLIMITED
    const state = { held, availableBytes: this.#settings.availableMemory(), budget }
    const leaving = copiesToUnload(needBytes, state)
    if (leaving === null) {
      const idleBytes = held.reduce((sum, copy) => sum + (copy.isIdle ? copy.needBytes : 0), 0)
      return requireMemory(spec.name, needBytes, Math.max(0, roomBytes(state) + idleBytes))
    }
    await Promise.all(leaving.map(({ entry }) => this.#remove(entry)))
  }

  #unloadLater(entry: Entry, idleUnloadMs: number | null): void {
    if (idleUnloadMs === null || this.#entries.get(keyOf(entry.spec)) !== entry) return
    entry.timer = setTimeout(() => void this.#remove(entry), Math.min(idleUnloadMs, MAX_TIMER_MS))
    entry.timer.unref()
  }

  /** The copy is off the shelf before anything is awaited: a request that comes now loads one of its own. */
  #remove(entry: Entry): Promise<void> {
    if (entry.timer !== null) clearTimeout(entry.timer)
    if (this.#entries.get(keyOf(entry.spec)) === entry) this.#entries.delete(keyOf(entry.spec))
    this.#tell()
    const left = (entry.ready?.dispose() ?? Promise.resolve()).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
    return left
  }

  #tell(): void {
    const ready = [...this.#entries.values()].filter((entry) => entry.ready !== null)
    this.#settings.changed?.(ready.map(({ spec, ready }) => ({ spec, needBytes: ready?.needBytes ?? 0 })))
  }
}

function isIdle(entry: Entry): boolean {
  return entry.users === 0 && entry.ready !== null
}

function heldCopy(entry: Entry) {
  return { entry, needBytes: entry.ready?.needBytes ?? 0, isIdle: isIdle(entry), lastUsedMs: entry.lastUsedMs }
}

/** What makes two loaded copies interchangeable. */
function keyOf(spec: ModelSpec): string {
  return JSON.stringify([spec.path, spec.digest, spec.contextTokens, spec.sequences, spec.threads, spec.adapter])
}

/** What `ps` and `load` say about one copy. */
function rowOf(entry: Entry): LoadedModelRow {
  return {
    name: entry.spec.name,
    digest: entry.spec.digest,
    path: entry.spec.path,
    state: entry.ready === null ? 'loading' : 'ready',
    contextTokens: entry.spec.contextTokens,
    sequences: entry.spec.sequences,
    threads: entry.ready?.threads ?? 0,
    active: entry.ready?.load().active ?? 0,
    waiting: entry.ready?.load().waiting ?? 0,
    needBytes: entry.ready?.needBytes ?? 0,
    loadMs: entry.ready?.loadMs ?? null,
    lastUsedMs: Math.round(entry.lastUsedMs),
  }
}
