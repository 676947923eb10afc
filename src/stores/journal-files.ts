/** The files of a journal directory: whose they are, and whether their writer still lives. */
import { readdirSync, readFileSync } from 'node:fs'
import { isRunning } from './is-running.ts'

export interface JournalName {
  readonly file: string
  /** `<pid>-<start>-<random>`: one journal of one process. */
  readonly writer: string
  readonly pid: number
  readonly start: string
  readonly sequence: number
}

export function journalFileName(writer: string, sequence: number): string {
  return `${writer}-${String(sequence).padStart(6, '0')}.journal`
}

/** All journals of a directory, each writer's files in the order they were written; empty when there is none. */
export function listJournals(directory: string): readonly JournalName[] {
  let files: readonly string[]
  try {
    files = readdirSync(directory)
  } catch {
    return []
  }
  return [...files].sort().flatMap((file) => parseName(file) ?? [])
}

/** A pid is used again after a while, so a writer lives only when the process also started when the writer did. */
export function isAlive(journal: JournalName): boolean {
  return isRunning(journal.pid) && processStart(journal.pid) === journal.start
}

/**
 * Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat, proc(5)); `0` where unknown, `dead`
 * for a process that has ended and was not yet waited for.
 */
export function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program name in parentheses and may hold blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[19] ?? '0')
  } catch {
    return '0'
  }
}

function parseName(file: string): JournalName | null {
  const match = /^((\d+)-(\d+)-[0-9a-f]{8})-(\d{6})\.journal$/.exec(file)
  if (!match) return null
  const [, writer = '', pid = '', start = '', sequence = ''] = match
  return { file, writer, pid: Number(pid), start, sequence: Number(sequence) }
}
