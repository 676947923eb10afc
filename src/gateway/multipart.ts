/** Reads a form with one file, by the parser of the runtime. */
import type { IncomingMessage } from 'node:http'
import { RouterError } from '../spec/errors.ts'
import { readBytes } from './body.ts'

export interface Multipart {
  readonly fields: ReadonlyMap<string, string>
  readonly file: { readonly name: string; readonly content: Uint8Array } | null
}

/** Boundaries, names and headers of the parts. */
const AROUND_BYTES = 64 * 1024

let turn: Promise<unknown> = Promise.resolve()

/**
 * One form at a time: it is in memory twice while it is parsed.
 *
 * @throws RouterError batch_file_too_large, request_invalid
 */
export async function readMultipart(request: IncomingMessage, maxFileBytes: number): Promise<Multipart> {
  const type = request.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new RouterError('request_invalid', {
      path: 'the header Content-Type',
      problem: 'it is not multipart/form-data',
      fix: 'Send a form with the fields purpose=batch and file.',
    })
  const maxBytes = maxFileBytes + AROUND_BYTES
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxFileBytes)
  const before = turn
  const mine = Promise.withResolvers<void>()
  turn = mine.promise
  try {
    await before
    return await parsed(await readBytes(request, maxBytes, () => tooLarge(maxFileBytes)), type, maxFileBytes)
  } finally {
    mine.resolve()
  }
}

async function parsed(bytes: Buffer<ArrayBuffer>, type: string, maxFileBytes: number): Promise<Multipart> {
  let form: FormData
  try {
    form = await new Response(bytes, { headers: { 'content-type': type } }).formData()
  } catch (error) {
    const values = { path: 'the body', problem: 'it is no multipart form', fix: 'Send it with a client of the API.' }
    throw new RouterError('request_invalid', values, error)
  }
  const fields = new Map<string, string>()
  let file: Multipart['file'] = null
  for (const [name, value] of form) {
    if (typeof value === 'string') fields.set(name, value)
    else if (name !== 'file' || file)
      throw new RouterError('request_invalid', {
        path: name.slice(0, 100),
        problem: 'it is a second file',
        fix: 'Send one.',
      })
    else file = { name: value.name, content: await value.bytes() }
  }
  if (file && file.content.length > maxFileBytes) throw tooLarge(maxFileBytes)
  return { fields, file }
}

function tooLarge(limitBytes: number): RouterError {
  return new RouterError('batch_file_too_large', { limitBytes })
}
