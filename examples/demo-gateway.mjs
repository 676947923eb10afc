/**
 * A streamed chat through the gateway, with its headers: `npm run demo:gateway`. Starts `spillway serve` on a free port
 * with the tour policy in a state folder of its own, asks one question as any OpenAI client would, and stops again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pinnedNode } from '../scripts/prepare.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(ROOT, 'dist', 'cli', 'main.js')
const QUESTION = process.argv.slice(2).join(' ') || 'Name three colours.'

const state = mkdtempSync(join(tmpdir(), 'spillway-demo-'))
const env = { ...process.env, XDG_STATE_HOME: state }
const server = start(['serve', '--json', '--port', '0', '--policy', join(ROOT, 'templates', 'tour.yaml')])

try {
  const { url, keyFile } = JSON.parse(await firstLine(server))
  console.log(`serving at ${url}`)
  await chat(url, readFileSync(keyFile, 'utf8').trim())
} finally {
  await stop(server)
  await once(start(['engine', 'stop']), 'exit')
  rmSync(state, { recursive: true, force: true })
}

async function chat(url, key) {
  console.log(`POST ${url}/v1/chat/completions  ${QUESTION}`)
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'question', stream: true, messages: [{ role: 'user', content: QUESTION }] }),
  })
  console.log(`HTTP ${response.status}`)
  for (const [name, value] of response.headers) if (name.startsWith('x-')) console.log(`${name}: ${value}`)
  console.log()
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) }))
    if (line !== '') console.log(line)
}

function start(args) {
  return spawn(pinnedNode(), [CLI, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('the server ended before it was ready')
}

async function stop(child) {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
