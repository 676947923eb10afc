/** F47: the client goes away at any moment. */
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { randomFrom } from '../../src/learn/random.ts'
import { openBudgets } from '../../src/stores/budgets.ts'
import { openAiFrames } from '../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../support/gateway-on-cloud.ts'
import { eventStream } from '../support/scripted-cloud.ts'

afterEach(closeAll)

const CLIENTS = 30
const PIECES = 20
/** What the provider says a piece is worth, more than the four characters a token that an estimate would give. */
const TOKENS_A_PIECE = 2
/** US dollars a token, for a model whose price is not known here. */
const OUTPUT_USD = 0.4 / 1e6

/** Goes as soon as `pieces` pieces have come; 0 is before the first byte of the answer. */
function clientThatGoes({ gateway }: GatewayOnCloud, pieces: number, cameIn: Promise<unknown>): Promise<void> {
  const body = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hi' }], stream: true })
  return new Promise((resolve) => {
    const socket = connect(gateway.port, '127.0.0.1')
    let text = ''
    const goIfDone = (): void => {
      if ((text.match(/piece/g) ?? []).length >= pieces) socket.destroy()
    }
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.on('data', (data) => {
      text += data.toString('latin1')
      goIfDone()
    })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${gateway.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    void cameIn.then(goIfDone)
  })
}

describe('F47', () => {
  it('before the first byte, in the middle and at the end: the provider is cut off, the row says so, and no less is booked than was made', async () => {
    const on = await gatewayOnCloud({
      policy: {
        budgets: { day: 100, unknownPriceUsdPerMillion: { input: 0.1, output: 0.4 } },
        routing: { maxFallbackAttempts: 0 },
      },
    })
    const { cloud, router, folder } = on
    const random = randomFrom(47)
    const frames = openAiFrames(Array.from({ length: PIECES }, () => ({ content: 'piece' })))
    let made = 0
    for (let client = 0; client < CLIENTS; client++) {
      const goesAfter = Math.floor(random() * PIECES)
      // The provider gives what the client waits for, and then holds on until it is cut off.
      const given = frames.slice(0, goesAfter + (goesAfter === 0 ? 0 : 1))
      cloud.enqueue(goesAfter === 0 ? 'hang' : eventStream(given, { end: 'hang' }))
      await clientThatGoes(on, goesAfter, cloud.request(client))
      await (await cloud.request(client)).closed
      made += goesAfter * TOKENS_A_PIECE
    }
    await expect.poll(() => router.audit({}).filter(({ error }) => error === 'cancelled')).toHaveLength(CLIENTS)
    const records = router.audit({})
    expect(records.every(({ reason, outcome }) => reason === 'cancelled' && outcome === 'error')).toBe(true)
    expect(records.flatMap(({ calls }) => calls)).toHaveLength(CLIENTS)
    const withText = records.flatMap(({ attempts }) => attempts.flatMap(({ usage }) => (usage ? [usage] : [])))
    expect(withText.length).toBeGreaterThan(CLIENTS / 2)
    expect(withText.every(({ outputTokens, source }) => outputTokens > 0 && source === 'estimated')).toBe(true)
    expect(bookedUsd(folder)).toBeGreaterThanOrEqual(made * OUTPUT_USD)
  })
})

function bookedUsd(folder: string): number {
  const budgets = openBudgets({ stateDir: folder, monotonicMs: () => performance.now() })
  const [day] = budgets.list()
  budgets.close()
  return day?.takenUsd ?? 0
}
