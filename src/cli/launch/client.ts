/** What a program that asks models reads, as data: one row a client. */

export const CLIENT_NAMES = ['claude', 'codex', 'aider', 'opencode', 'continue'] as const
export type ClientName = (typeof CLIENT_NAMES)[number]

type Environment = Readonly<Record<string, string | undefined>>

/** Where the gateway is, and what opens it. */
export interface Door {
  /** Without a slash at the end; Anthropic's dialect is asked here, OpenAI's below `/v1`. */
  readonly url: string
  readonly key: string
}

export interface ClientPlace {
  readonly env: Environment
  readonly home: string
  /** Where the program is started. */
  readonly cwd: string
  readonly platform: NodeJS.Platform
  /** A folder of ours for files that a client is pointed at. */
  readonly ownFolder: string
}

/** A file of ours that the child is told to read, written before it starts and readable by its owner alone. */
export interface OwnFile {
  readonly path: string
  readonly text: string
}

export interface ChildSettings {
  readonly set: Readonly<Record<string, string>>
  /** Stand before the words of the user. */
  readonly args: readonly string[]
  readonly files: readonly OwnFile[]
}

/** One place that says something about where a client asks. */
export interface FoundSetting {
  /** Null: a variable of the environment. */
  readonly file: string | null
  /** From 1; null where there are no lines worth naming. */
  readonly line: number | null
  readonly key: string
  readonly value: string
  /** address: a base URL. key: what it shows there. switch: sends it to another provider altogether. */
  readonly role: 'address' | 'key' | 'switch'
  /** A file of an administrator: neither the environment nor a flag is stronger. */
  readonly managed?: true
}

export interface Client {
  readonly name: ClientName
  /** What it calls itself. */
  readonly title: string
  /** Names of its program, the first that is found is started. */
  readonly programs: readonly string[]
  readonly install: string
  /** What it does with a request: which base URL reaches us. */
  readonly dialect: 'anthropic' | 'openai'
  /** Variables of the parent that would send it elsewhere, or with another key. */
  readonly clears: readonly (string | RegExp)[]
  settings(door: Door, place: ClientPlace, words: readonly string[]): ChildSettings
  /** What its files and the environment say about where it asks, the strongest first. */
  found(place: ClientPlace): readonly FoundSetting[]
  /** Where it asks when nothing says anything. */
  readonly usualAddress: string
  /** The file that `--write` changes, and its text with us in it. */
  written(door: Door, place: ClientPlace): WrittenSettings
}

export interface WrittenSettings {
  readonly file: string
  /**
   * @param before the text as it is; null when there is no file
   * @throws RouterError usage: the text cannot be changed without losing something
   */
  change(before: string | null): string
  /** What has to be done beside, one sentence each. */
  readonly next: readonly string[]
}

/** The words of a user name an option, in either spelling. */
export function names(words: readonly string[], ...options: readonly string[]): boolean {
  return words.some((word) => options.some((option) => word === option || word.startsWith(`${option}=`)))
}

/** Variables of the environment as settings, in the order of the names; an empty one is none. */
export function variables(
  env: Environment,
  role: FoundSetting['role'],
  ...keys: readonly string[]
): readonly FoundSetting[] {
  return keys.flatMap((key) => {
    const value = env[key]
    return value ? [{ file: null, line: null, key, value, role }] : []
  })
}
