import { benchSpec, runWithHost, type Spread, sentences, spread, textRequest } from './support.ts'

const REQUESTS = 8

/** Text requests in parallel, divided by the same number one after another: requests a second, one thread. */
export async function parallelGain(rounds: number, maxOutputTokens: number): Promise<Spread> {
  const ratios: number[] = []
  await runWithHost(async (client, temporary) => {
    const spec = await benchSpec(temporary, { sequences: REQUESTS, contextTokens: 512 })
    const ask = (index: number) =>
      client.call('generate', textRequest(spec, `Tell me more about this: ${sentences(index, 2)}`, maxOutputTokens))
    await ask(0)
    for (let round = 0; round < rounds; round++) {
      const indexes = Array.from({ length: REQUESTS }, (_, index) => 1 + round * 2 * REQUESTS + index)
      const serialStart = performance.now()
      for (const index of indexes) await ask(index)
      const serial = performance.now() - serialStart
      const parallelStart = performance.now()
      await Promise.all(indexes.map((index) => ask(index + REQUESTS)))
      ratios.push(serial / (performance.now() - parallelStart))
    }
  })
  return spread(ratios)
}

/** From kill -9 of the host, in the middle of an answer, to the next whole answer (host start and load included). */
export async function crashRecovery(rounds: number): Promise<Spread> {
  const times: number[] = []
  await runWithHost(async (client, temporary) => {
    const spec = await benchSpec(temporary, { contextTokens: 512 })
    for (let round = 0; round < rounds; round++) {
      await client.call('load', spec)
      const { pid } = await client.call('ps', null)
      const long = textRequest(spec, 'Write a long story about a dam.', 400)
      const answering = client.call('generate', long, {
        onEvent: (event) => {
          if (event.type === 'text') process.kill(pid, 'SIGKILL')
        },
      })
      await answering.catch(() => undefined)
      const started = performance.now()
      await client.call('generate', textRequest(spec, 'What is the capital of France?', 8))
      times.push(performance.now() - started)
    }
  })
  return spread(times)
}

export interface IdleCost {
  /** CPU time of the host while it holds a model and nobody asks, in percent of one core. */
  readonly cpuPercent: number
  readonly seconds: number
}

/** Linux only; null elsewhere. */
export async function idleCost(seconds: number, cpuMs: (pid: number) => number | null): Promise<IdleCost | null> {
  let cost: IdleCost | null = null
  await runWithHost(async (client, temporary) => {
    const spec = await benchSpec(temporary, { contextTokens: 512 })
    await client.call('generate', textRequest(spec, 'What is the capital of France?', 8))
    const { pid } = await client.call('ps', null)
    const before = cpuMs(pid)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const after = cpuMs(pid)
    if (before !== null && after !== null) cost = { cpuPercent: (after - before) / (seconds * 10), seconds }
  })
  return cost
}
