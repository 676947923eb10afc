/** The code of the guide to the AI SDK, as a reader would paste it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../../cli/spillway.ts'
import { openAiText } from '../../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../../support/scripted-cloud.ts'
import { type ServeProcess, serveProcess } from '../../support/serve-process.ts'
import { PACKAGE_IS_SOURCES } from '../../support/sources.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const GUIDE = readFileSync(join(ROOT, 'docs/guides/ai-sdk.md'), 'utf8')
const [POLICY = ''] = [...GUIDE.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '')
const BLOCKS = [...GUIDE.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '')
/** What each prints, in the order of the guide. */
const PRINTED = ['60 solver 0\n', '60', 'privacy_local_only\n', 'Oslo true\n', 'dependency\n', 'cloud\n', 'cloud\n']

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess
beforeAll(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('The Tiber.'))
  server = await serveProcess(box, { policy: '{}' })
})
afterAll(async () => {
  await server.stop()
  await cloud.close()
  await box.close()
})

async function printedBy(code: string, policy: string): Promise<string> {
  // Inside the repository, so that it finds the packages of the SDK.
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.guide-'))
  writeFileSync(join(folder, 'program.mjs'), code)
  writeFileSync(join(folder, 'spillway.yaml'), policy)
  const env = {
    ...{ ...box.env, SPILLWAY_URL: server.url, SPILLWAY_KEY: server.key },
    ...{ OPENAI_API_KEY: 'simulated', OPENAI_BASE_URL: cloud.openAiBaseUrl },
  }
  const args = ['--import', PACKAGE_IS_SOURCES, join(folder, 'program.mjs')]
  try {
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    await once(child, 'close')
    return text
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the guide to the AI SDK', () => {
  it('has as many programs as are run here', () => {
    expect(BLOCKS).toHaveLength(PRINTED.length)
  })

  it.each(PRINTED.map((printed, index) => ({ printed, index })))(
    'has a program $index that prints $printed',
    async ({ printed, index }) => {
      expect(await printedBy(BLOCKS[index] ?? '', index === 0 ? '{}' : POLICY)).toBe(printed)
    },
  )
})
