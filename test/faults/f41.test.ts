/** F41: the process may open 64 files and sockets. */
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '../cli/spillway.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'
import { cloudPolicy, type ServeProcess, serveProcess } from '../support/serve-process.ts'

let box: Sandbox
let cloud: ScriptedCloud
let server: ServeProcess
const sockets: Socket[] = []
beforeEach(async () => {
  box = sandbox()
  cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  server = await serveProcess(box, { policy: cloudPolicy(cloud.openAiBaseUrl), under: 'ulimit -n 64' })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.stop()
  await box.close()
  await cloud.close()
})

const ask = () =>
  server.client.chat.completions
    .create({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    .then(() => 200)
    .catch((error: { readonly status?: number }) => error.status ?? 0)

describe('F41', () => {
  it('silent connections beyond the limit make room, and requests are answered beside them', async () => {
    for (let count = 0; count < 100; count++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      sockets.push(socket)
    }
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 200])
  })

  it('more requests at once than it can take get 503 or a closed connection, and it recovers', async () => {
    let release = (): void => undefined
    const rest = new Promise<void>((resolve) => {
      release = resolve
    })
    const whole = openAiText('simulated answer')
    cloud.otherwise((request) => {
      const reply = typeof whole === 'function' ? whole(request) : whole
      return typeof reply === 'string' ? reply : { ...reply, before: () => rest }
    })
    const underWay: Promise<number>[] = []
    for (let count = 0; count < 20; count++) {
      const answer = ask()
      underWay.push(answer)
      await Promise.race([answer, cloud.request(count)])
    }
    release()
    const ended = await Promise.all(underWay)
    expect(ended.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(ended.filter((status) => status === 503).length).toBeGreaterThan(0)
    expect(ended.filter((status) => ![200, 503, 0].includes(status))).toEqual([])
    expect(await ask()).toBe(200)
    expect(server.process.exitCode).toBeNull()
  })
})
