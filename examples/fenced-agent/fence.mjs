/**
 * Runs a command whose only way to a model is the gateway:
 *
 *   SPILLWAY_URL=… SPILLWAY_KEY=… node fence.mjs [--fence namespace|hook] -- <command> [arguments]
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const { url, key, kind, command } = settings()
const gateway = { host: url.hostname, port: Number(url.port || 80) }
const hook = new URL('hook.mjs', import.meta.url).href
const env = {
  ...process.env,
  // Programs that look at variables ask the gateway by themselves; as a proxy it refuses what is not for it.
  OPENAI_BASE_URL: `${url.origin}/v1`,
  OPENAI_API_KEY: key,
  ANTHROPIC_BASE_URL: url.origin,
  ANTHROPIC_AUTH_TOKEN: key,
  HTTP_PROXY: url.origin,
  HTTPS_PROXY: url.origin,
  ALL_PROXY: url.origin,
  NO_PROXY: url.hostname,
  SPILLWAY_FENCE: JSON.stringify(gateway),
}
// A key of a provider would be of no use in there, and need not be there to be lost.
delete env.ANTHROPIC_API_KEY

process.exitCode = kind === 'namespace' ? await inNamespace() : await ended(hooked())

function hooked() {
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${hook}`.trim()
  return spawn(command[0], command.slice(1), { stdio: 'inherit', env: { ...env, NODE_OPTIONS } })
}

/** The socket file is the only thing that leads out: files are the same in there, networks are not. */
async function inNamespace() {
  const folder = mkdtempSync(join(tmpdir(), 'fence-'))
  const path = join(folder, 'gateway.sock')
  const relay = createServer((inside) => joined(inside, connect(gateway)))
  await new Promise((resolve, reject) => relay.once('error', reject).listen(path, resolve))
  const inside = fileURLToPath(new URL('inside.mjs', import.meta.url))
  const script = 'ip link set lo up && exec "$@"'
  const args = [
    '--user',
    '--map-root-user',
    '--net',
    'sh',
    '-c',
    script,
    'sh',
    process.execPath,
    inside,
    path,
    '--',
    ...command,
  ]
  try {
    return await ended(spawn('unshare', args, { stdio: 'inherit', env }))
  } finally {
    relay.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function joined(left, right) {
  left.on('error', () => right.destroy())
  right.on('error', () => left.destroy())
  left.pipe(right).pipe(left)
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

function settings() {
  const at = process.argv.indexOf('--')
  const own = process.argv.slice(2, at < 0 ? undefined : at)
  const command = at < 0 ? [] : process.argv.slice(at + 1)
  const { SPILLWAY_URL: text = '', SPILLWAY_KEY: key = '' } = process.env
  const [flag, word, ...rest] = own
  const isKnown = own.length === 0 || (flag === '--fence' && ['namespace', 'hook'].includes(word) && rest.length === 0)
  if (command.length === 0 || !isKnown || !URL.canParse(text) || key === '') {
    console.error('usage: SPILLWAY_URL=… SPILLWAY_KEY=… node fence.mjs [--fence namespace|hook] -- <command>')
    process.exit(2)
  }
  const canSplit =
    spawnSync('unshare', ['--user', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0
  const kind = word ?? (canSplit ? 'namespace' : 'hook')
  if (kind === 'namespace' && !canSplit) {
    console.error(
      'No network of its own can be made here (Linux with unshare and ip, and user namespaces allowed). Use --fence hook, and read what it proves.',
    )
    process.exit(1)
  }
  return { url: new URL(text), key, kind, command }
}
