import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'

/**
 * Threads for one model: physical cores minus one, at least 1. With all cores of a busy 2-core machine a call was
 * measured at 58 s instead of 0.36 s, because the waiting threads spin.
 */
export function defaultThreads(): number {
  return Math.max(1, Math.min(physicalCores(), availableParallelism()) - 1)
}

/** Counts distinct cores where Linux names them; elsewhere logical processors, halved where x64 usually has two a core. */
function physicalCores(): number {
  try {
    const root = '/sys/devices/system/cpu'
    const cores = readdirSync(root)
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => join(root, name, 'topology'))
      .map((folder) => `${read(folder, 'physical_package_id')}:${read(folder, 'core_id')}`)
    if (cores.length > 0) return new Set(cores).size
  } catch {
    // Containers may hide /sys; the estimate below is then all there is.
  }
  const logical = cpus().length
  return process.arch === 'x64' && process.platform !== 'linux' ? Math.max(1, Math.ceil(logical / 2)) : logical
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').trim()
}
