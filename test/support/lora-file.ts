/** Writes a small LoRA adapter as GGUF, because none can be had as a package. */
import { writeFileSync } from 'node:fs'

export interface LoraShape {
  /** As in the weights, for example `llama`. */
  readonly architecture: string
  /** The weight that the adapter changes, of `size` × `size`. */
  readonly tensor: string
  readonly size: number
  /** What every number of both factors is; 0 changes nothing. */
  readonly value: number
}

const RANK = 4
const STRING = 8
const FLOAT = 6

/** @see the GGUF specification, version 3; tensor names as llama.cpp's converter writes them */
export function writeLora(file: string, { architecture, tensor, size, value }: LoraShape): void {
  const metadata = [
    Buffer.concat([text('general.type'), u32(STRING), text('adapter')]),
    Buffer.concat([text('general.architecture'), u32(STRING), text(architecture)]),
    Buffer.concat([text('adapter.type'), u32(STRING), text('lora')]),
    Buffer.concat([text('adapter.lora.alpha'), u32(FLOAT), f32(RANK)]),
  ]
  const bytes = RANK * size * 4
  const tensors = [tensorRow(`${tensor}.lora_a`, [size, RANK], 0), tensorRow(`${tensor}.lora_b`, [RANK, size], bytes)]
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(metadata.length),
    ...metadata,
    ...tensors,
  ])
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32)
  const data = Buffer.alloc(2 * bytes)
  for (let at = 0; at < data.length; at += 4) data.writeFloatLE(value, at)
  writeFileSync(file, Buffer.concat([head, padding, data]))
}

function tensorRow(name: string, dimensions: readonly number[], offset: number): Buffer {
  const f32Type = u32(0)
  return Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), f32Type, u64(offset)])
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

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}
