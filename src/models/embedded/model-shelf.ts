import type { LoadedModelRow, ModelSpec } from './protocol.ts'
import type { RunningModel } from './running-model.ts'

interface Entry {
  readonly spec: ModelSpec
  readonly running: Promise<RunningModel>
  ready: RunningModel | null
  users: number
  timer: NodeJS.Timeout | null
}

/** The models that are loaded or loading: one load per model, others wait for it; idle ones are unloaded. */
export class ModelShelf {
  readonly #load: (spec: ModelSpec) => Promise<RunningModel>
  readonly #entries = new Map<string, Entry>()
  #loads: Promise<unknown> = Promise.resolve()

  constructor(load: (spec: ModelSpec) => Promise<RunningModel>) {
    this.#load = load
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

  /** Runs `work` with the model loaded; it stays loaded until it was unused for the spec's `idleUnloadMs`. */
  async use<T>(spec: ModelSpec, work: (running: RunningModel) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(keyOf(spec)) ?? this.#add(spec)
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    entry.users++
    try {
      return await work(await entry.running)
    } finally {
      entry.users--
      if (entry.users === 0) this.#unloadLater(entry, spec.idleUnloadMs)
    }
  }

  /** Unloads every idle copy of a file; busy ones stay. */
  async unload(digest: string): Promise<number> {
    const idle = [...this.#entries.values()].filter((entry) => entry.spec.digest === digest && entry.users === 0)
    await Promise.all(idle.map((entry) => this.#remove(entry)))
    return idle.length
  }

  rows(): readonly LoadedModelRow[] {
    return [...this.#entries.values()].map(rowOf)
  }

  #add(spec: ModelSpec): Entry {
    // One after the other: two loads at once would both see the same free memory.
    const running = this.#loads.then(() => this.#load(spec))
    this.#loads = running.catch(() => undefined)
    const entry: Entry = { spec, running, ready: null, users: 0, timer: null }
    this.#entries.set(keyOf(spec), entry)
    running.then(
      (ready) => {
        entry.ready = ready
      },
      () => this.#entries.delete(keyOf(spec)),
    )
    return entry
  }

  #unloadLater(entry: Entry, idleUnloadMs: number): void {
    if (this.#entries.get(keyOf(entry.spec)) !== entry) return
    entry.timer = setTimeout(() => void this.#remove(entry), idleUnloadMs)
    entry.timer.unref()
  }

  async #remove(entry: Entry): Promise<void> {
    if (entry.timer !== null) clearTimeout(entry.timer)
    if (this.#entries.get(keyOf(entry.spec)) === entry) this.#entries.delete(keyOf(entry.spec))
    await entry.ready?.dispose()
  }
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
  }
}
