/** The smallest file that is a GGUF model by its header: one layer, one tensor of 64 numbers. */

const STRING = 8
const UINT32 = 4

/** @see the GGUF specification, version 3 */
export function tinyGguf(): Buffer {
  const metadata = [
    Buffer.concat([text('general.architecture'), u32(STRING), text('llama')]),
    Buffer.concat([text('llama.block_count'), u32(UINT32), u32(1)]),
    Buffer.concat([text('llama.context_length'), u32(UINT32), u32(512)]),
  ]
  const tensor = Buffer.concat([text('token_embd.weight'), u32(1), u64(64), u32(0), u64(0)])
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(metadata.length), ...metadata, tensor])
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32), Buffer.alloc(64 * 4, 1)])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
