import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs `work` while holding an exclusive lock between processes of this machine. The lock is a file that names its
 * owner's pid; a lock whose owner has died is taken over.
 *
 * @param file the lock file; its folder is created
 * @param onWait called once when another process holds the lock
 * @returns what `work` returns; the lock is freed in every case
 * @throws the signal's reason when aborted while waiting
 */
export async function withFileLock<T>(
  lock: { readonly file: string; readonly signal: AbortSignal; readonly onWait?: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const owner = `${process.pid} ${randomUUID()}`
  // It may be the state directory, which is its owner's alone.
  await mkdir(dirname(lock.file), { recursive: true, mode: 0o700 })
  let waited = false
  while (!(await tryTake(lock.file, owner))) {
    lock.signal.throwIfAborted()
    if (!waited) lock.onWait?.()
    waited = true
    await delay(POLL_MS, undefined, { signal: lock.signal })
  }
  try {
    return await work()
  } finally {
    if ((await readOwner(lock.file)) === owner) await rm(lock.file, { force: true })
  }
}

/** Waiters look this often; a host starts in about 300 ms, an installation takes seconds. */
const POLL_MS = 50

/** `link` is atomic and, unlike an exclusive open, never shows a lock file that does not name its owner yet. */
async function tryTake(file: string, owner: string): Promise<boolean> {
  const claim = `${file}.${owner.slice(-36)}`
  await writeFile(claim, owner, { mode: 0o600 })
  try {
    await link(claim, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await removeDeadOwner(file)
    return false
  } finally {
    await rm(claim, { force: true })
  }
}

async function removeDeadOwner(file: string): Promise<void> {
  const owner = await readOwner(file)
  if (owner === null || isAlive(Number.parseInt(owner, 10))) return
  // Another waiter may have replaced the dead lock since it was read: take it aside, look again, put a living one back.
  const aside = `${file}.${randomUUID()}`
  try {
    await rename(file, aside)
  } catch {
    return
  }
  if ((await readOwner(aside)) !== owner) await link(aside, file).catch(() => undefined)
  await rm(aside, { force: true })
}

async function readOwner(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return null
  }
}

/** EPERM means that the process exists and belongs to someone else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
