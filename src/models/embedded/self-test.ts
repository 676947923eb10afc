/**
 * Loads an engine in a process of its own: `node self-test <module URL>` exits 0 when its binaries work on this machine.
 * A program of its own, because the library starts child processes with the same arguments as its host.
 */
import type { LlamaLibrary } from './llama-types.ts'

const library = (await import(String(process.argv[2]))) as LlamaLibrary
const llama = await library.getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  logLevel: 'error',
  maxThreads: 1,
})
await llama.dispose()
