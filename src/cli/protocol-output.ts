/** Standard output that carries a protocol: whatever else is written there, by any library, goes to standard error. */
import { Writable } from 'node:stream'

/** @returns what the protocol is written to; from now on `process.stdout` is another name for `process.stderr` */
export function protocolOutput(): Writable {
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = process.stderr.write.bind(process.stderr)
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => void write(chunk, (error) => done(error ?? null)),
  })
}
