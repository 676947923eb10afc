/** What memory this machine could give to a model now. */
import { execFile } from 'node:child_process'
import type { FreeMemory } from '../models/embedded/memory.ts'
import type { LoadedModelRow } from '../models/embedded/protocol.ts'
import type { CliContext } from './context.ts'
import { hostStatus } from './engine-host.ts'

/** Free memory, with what the idle models of the engine host hold. Starts nothing. */
export async function freeMemory(context: CliContext): Promise<FreeMemory> {
  const idle = (await hostStatus(context))?.models.filter(isIdle) ?? []
  return { available: process.availableMemory(), reclaimable: idle.reduce((sum, row) => sum + row.needBytes, 0) }
}

/** Loaded, and no request uses it or waits for it. */
export function isIdle(row: LoadedModelRow): boolean {
  return row.state === 'ready' && row.active === 0 && row.waiting === 0
}

const ASK_MS = 2000
const MEBIBYTE = 1_048_576

/** Free memory of all NVIDIA GPUs, in bytes; null where `nvidia-smi` is not there or does not answer. */
export function freeVram(context: CliContext): Promise<number | null> {
  const args = ['--query-gpu=memory.free', '--format=csv,noheader,nounits']
  return new Promise((resolve) => {
    execFile('nvidia-smi', args, { env: { ...context.env }, timeout: ASK_MS }, (error, stdout) => {
      const free = stdout.trim().split('\n').map(Number)
      const isAnswer = error === null && stdout.trim() !== '' && free.every((mebibytes) => mebibytes >= 0)
      resolve(isAnswer ? free.reduce((sum, mebibytes) => sum + mebibytes * MEBIBYTE, 0) : null)
    })
  })
}
