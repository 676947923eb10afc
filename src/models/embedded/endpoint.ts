import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import { ENGINE_VERSION } from './engine-lock.ts'
import { PROTOCOL_VERSION } from './protocol.ts'

/** Where the host of one state directory listens and keeps its files. */
export interface Endpoint {
  /** A path, or a pipe name on Windows. */
  readonly address: string
  /** Folder of `address`, 0700; null on Windows. */
  readonly folder: string | null
  readonly keyFile: string
  readonly logFile: string
  readonly lockFile: string
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const MAX_SOCKET_BYTES = 103

/** One endpoint per state directory, engine version and protocol; a path too long for a socket moves to the temp folder. */
export function hostEndpoint(stateDir: string, platform: NodeJS.Platform = process.platform): Endpoint {
  const folder = join(stateDir, 'engine')
  const version = `${ENGINE_VERSION}-p${PROTOCOL_VERSION}`
  const hash = createHash('sha256').update(stateDir).digest('hex').slice(0, 16)
  const files = {
    keyFile: join(folder, 'key'),
    logFile: join(stateDir, 'engine.log'),
    lockFile: join(folder, `start-${version}.lock`),
  }
  if (platform === 'win32')
    return { address: `\\\\.\\pipe\\spillway-engine-${hash}-${version}`, folder: null, ...files }
  const address = join(folder, `${version}.sock`)
  if (Buffer.byteLength(address) <= MAX_SOCKET_BYTES) return { address, folder, ...files }
  const short = join(tmpdir(), `spillway-${userInfo().uid}-${hash}`)
  return { address: join(short, 'e.sock'), folder: short, ...files }
}

/**
 * Makes the folders, and the key when there is none; only one process may do this at a time (the start lock).
 *
 * @throws RouterError internal when the socket folder belongs to another user
 */
export async function prepareEndpoint(endpoint: Endpoint): Promise<void> {
  await mkdir(join(endpoint.keyFile, '..'), { recursive: true, mode: 0o700 })
  if (endpoint.folder !== null) await ownFolder(endpoint.folder)
  if ((await readKey(endpoint)) === null) {
    await writeFile(endpoint.keyFile, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'w' })
  }
}

/** The key that proves to the host that its client is the same user; null when there is none yet. */
export async function readKey(endpoint: Endpoint): Promise<string | null> {
  const key = await readFile(endpoint.keyFile, 'utf8').catch(() => '')
  return /^[0-9a-f]{64}$/.test(key) ? key : null
}

/** In a shared temp folder someone else may have made the name first. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid } = await stat(folder)
  if (uid !== userInfo().uid) {
    throw new RouterError('internal', { problem: `the folder ${folder} for the engine socket belongs to another user` })
  }
}
