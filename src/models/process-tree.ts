/** The processes that a command started, by what the system says of them. Linux only; elsewhere its process group is all that is known. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessTree {
  /** Looks again; what was seen once stays a member while it lives, whoever became its parent. */
  look(): { readonly processes: number; readonly residentBytes: number }
  /** Ends every member and looks again until none is left, or too many rounds passed. */
  end(): void
}

/**
 * Members are the process itself, its session, all children of members, and whoever carries the mark in its environment: a
 * process may leave its session and its parent, but to lose the mark as well it has to mean to.
 *
 * @param mark `NAME=value` as it stands in the environment
 */
export function processTree(rootPid: number, mark: string): ProcessTree {
  const known = new Map<number, string>([[rootPid, startOf(rootPid) ?? '']])
  // A mark comes with the fork, so who had none once never has one.
  const strangers = new Map<number, string>()
  const isMarked = ({ pid, startedAt }: Process): boolean => {
    if (strangers.get(pid) === startedAt) return false
    if (read(`/proc/${pid}/environ`).split('\0').includes(mark)) return true
    strangers.set(pid, startedAt)
    return false
  }
  const isOwn = (one: Process): boolean =>
    one.session === rootPid || known.get(one.pid) === one.startedAt || isMarked(one)
  const look = (): { readonly processes: number; readonly residentBytes: number } => {
    const members = withChildren(allProcesses(), isOwn)
    for (const { pid, startedAt } of members) known.set(pid, startedAt)
    const residentBytes = members.reduce((sum, { pid }) => sum + residentBytesOf(pid), 0)
    return { processes: members.length, residentBytes }
  }
  return {
    look,
    end() {
      kill(-rootPid)
      for (let round = 0; round < MAX_ROUNDS && look().processes > 0; round += 1)
        for (const [pid, startedAt] of known) if (startOf(pid) === startedAt) kill(pid)
    },
  }
}

/** A fork bomb has to be overtaken; one that wins this often will not be. */
const MAX_ROUNDS = 50

interface Process {
  readonly pid: number
  readonly parent: number
  readonly session: number
  /** In clock ticks since the system started: tells a process from a later one with its number. */
  readonly startedAt: string
}

function withChildren(all: readonly Process[], isOwn: (one: Process) => boolean): readonly Process[] {
  const members = new Map(all.filter(isOwn).map((one) => [one.pid, one]))
  for (let size = -1; size !== members.size; ) {
    size = members.size
    for (const one of all) if (members.has(one.parent)) members.set(one.pid, one)
  }
  return [...members.values()]
}

function allProcesses(): readonly Process[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (processOf(Number(name)) ?? []) : []))
  } catch {
    return []
  }
}

/** @returns null for one that has ended, zombies included */
function processOf(pid: number): Process | null {
  const stat = read(`/proc/${pid}/stat`)
  // The name may hold spaces and brackets; what follows the last bracket is fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent, , session] = fields
  if (state === undefined || state === '' || state === 'Z' || state === 'X') return null
  return { pid, parent: Number(parent), session: Number(session), startedAt: fields[19] ?? '' }
}

function residentBytesOf(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

function startOf(pid: number): string | null {
  return processOf(pid)?.startedAt ?? null
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended, or is not ours.
  }
}
