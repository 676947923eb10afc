import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { RouterError } from '../../spec/errors.ts'

/**
 * Bytes that a LoRA adapter adds to what its model takes: its file holds nothing but tensors.
 *
 * @throws RouterError model_file_missing, model_file_invalid
 */
export function adapterBytes(path: string): number {
  const handle = open(path)
  try {
    const magic = Buffer.alloc(4)
    readSync(handle, magic, 0, 4, 0)
    if (magic.toString('latin1') === 'GGUF') return fstatSync(handle).size
    const fix = 'Convert the adapter to GGUF, or name another file.'
    throw new RouterError('model_file_invalid', { path, problem: 'it does not start with GGUF', fix })
  } finally {
    closeSync(handle)
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw new RouterError('model_file_missing', { model: 'adapter', path }, error)
  }
}
