import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostEndpoint } from '../../src/models/embedded/endpoint.ts'
import { encodeFrame, FrameDecoder } from '../../src/models/embedded/frames.ts'
import { hostEnvironment } from '../../src/models/embedded/host-process.ts'
import { neutralInputs } from '../../src/models/embedded/neutral-inputs.ts'
import { toTurns } from '../../src/models/embedded/prompt.ts'
import { entropyBracket, readToken, textSignals, topBracket, withTop } from '../../src/models/embedded/signals.ts'
import { StopFilter } from '../../src/models/embedded/stop-filter.ts'
import { resolvePaths } from '../../src/models/paths.ts'

describe('frames', () => {
  it('carry messages whole, however the bytes are cut', () => {
    const messages = [{ id: 1, text: 'größer — 水' }, { id: 2 }, [], 'x'.repeat(5000)]
    const bytes = Buffer.concat(messages.map(encodeFrame))
    for (const size of [1, 2, 7, 1000, bytes.length]) {
      const decoder = new FrameDecoder()
      const seen: unknown[] = []
      for (let at = 0; at < bytes.length; at += size) seen.push(...decoder.push(bytes.subarray(at, at + size)))
      expect(seen).toEqual(messages)
    }
  })

  it('are refused above 16 MiB before the bytes arrive', () => {
    expect(() => new FrameDecoder().push(Buffer.from('16777217 {'))).toThrow(
      'a frame has 16777217 bytes, at most 16777216 are allowed',
    )
  })

  it('are refused when their length is not a number', () => {
    expect(() => new FrameDecoder().push(Buffer.from('-5 {}\n'))).toThrow('a frame length is not a number')
    expect(() => new FrameDecoder().push(Buffer.from('GET / H'))).toThrow('a frame length is not a number')
  })
})

describe('signals', () => {
  it('read the log-probability from the logit, the largest logit and the weight', () => {
    expect(readToken(3, 5, 4)).toEqual({
      logprob: -2 - Math.log(4),
      maxLogprob: -Math.log(4),
      topLogprobs: null,
      entropyNats: null,
    })
  })

  it.each([
    ['no weight', readToken(1, 1, undefined)],
    ['a weight that is not a number', readToken(1, 1, Number.NaN)],
    ['a weight below 1', readToken(1, 1, 0.5)],
  ])('are missing with %s', (_, reading) => {
    expect(reading).toEqual({ logprob: null, maxLogprob: null, topLogprobs: null, entropyNats: null })
  })

  it('treat a log-probability of minus infinity as missing', () => {
    expect(readToken(Number.NEGATIVE_INFINITY, 1, 2).logprob).toBeNull()
  })

  it('bracket the entropy: both ends meet at certainty, and a uniform distribution reaches both', () => {
    expect(entropyBracket(0, 100)).toEqual({ lowNats: 0, highNats: 0 })
    const uniform = entropyBracket(-Math.log(100), 100)
    expect(uniform.lowNats).toBeCloseTo(4.60517, 5)
    expect(uniform.highNats).toBeCloseTo(4.60517, 5)
  })

  it('decide the 0.8-nat threshold for a 49k vocabulary above .946 and below .449', () => {
    expect(entropyBracket(Math.log(0.9461), 49_152).highNats).toBeLessThan(0.8)
    expect(entropyBracket(Math.log(0.945), 49_152).highNats).toBeGreaterThan(0.8)
    expect(entropyBracket(Math.log(0.449), 49_152).lowNats).toBeGreaterThan(0.8)
  })

  it('hold the exact entropy in both brackets, whatever the distribution', () => {
    const weights = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 300, maxLength: 400 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 8 }), (raw, sharpness) => {
        const sharpened = raw.map((weight) => weight ** sharpness)
        const total = sharpened.reduce((sum, weight) => sum + weight, 0)
        const logprobs = sharpened.map((weight) => Math.log(weight / total)).sort((a, b) => b - a)
        const exact = logprobs.reduce((sum, logprob) => sum - Math.exp(logprob) * logprob, 0)
        const one = entropyBracket(logprobs[0] ?? 0, logprobs.length)
        const two = topBracket(logprobs.slice(0, 256), logprobs.length)
        for (const { lowNats, highNats } of [one, two]) {
          expect(lowNats).toBeLessThanOrEqual(exact + 1e-9)
          expect(highNats).toBeGreaterThanOrEqual(exact - 1e-9)
        }
        expect(two.highNats - two.lowNats).toBeLessThanOrEqual(one.highNats - one.lowNats + 1e-9)
      }),
    )
  })

  it('are level 2 only when every token was read at level 2', () => {
    const mode = { pass: 'decode', fullDistribution: true, vocabulary: 1000 } as const
    const wide = withTop({ logprob: -0.1, maxLogprob: -0.1, topLogprobs: null, entropyNats: null }, [5, 2], 5)
    const narrow = { logprob: -0.1, maxLogprob: -0.1, topLogprobs: null, entropyNats: null }
    expect(textSignals([wide, wide], mode).level).toBe(2)
    expect(textSignals([wide, narrow], mode).level).toBe(1)
    expect(withTop(narrow, [5, Number.NEGATIVE_INFINITY], 5)).toEqual(narrow)
  })

  it('are null for the whole answer when one token has no reading', () => {
    const mode = { pass: 'decode', fullDistribution: true, vocabulary: 100 } as const
    const signals = textSignals(
      [
        { logprob: -0.5, maxLogprob: -0.5, topLogprobs: null, entropyNats: null },
        { logprob: null, maxLogprob: null, topLogprobs: null, entropyNats: null },
      ],
      mode,
    )
    expect(signals).toMatchObject({
      tokens: 2,
      meanLogprob: null,
      minLogprob: null,
      entropyLowNats: null,
      entropyHighNats: null,
    })
    const whole = textSignals(
      [
        { logprob: -0.5, maxLogprob: -0.5, topLogprobs: null, entropyNats: null },
        { logprob: -1.5, maxLogprob: -1.5, topLogprobs: null, entropyNats: null },
      ],
      mode,
    )
    expect(whole).toMatchObject({ level: 1, meanLogprob: -1, minLogprob: -1.5 })
    // h2(e^-.5) = .670 is the better lower end of the first token, -ln p = 1.5 that of the second.
    expect(whole.entropyLowNats).toBeCloseTo(1.0851, 2)
    expect(whole.maxTokenEntropyNats).toBeCloseTo(1.5, 2)
  })
})

describe('stop strings', () => {
  const pass = (stops: string[], pieces: string[]): string[] => {
    const out: string[] = []
    const filter = new StopFilter(stops, (delta) => out.push(delta))
    const stopped = pieces.some((piece) => filter.push(piece))
    filter.end('')
    return [...out, String(stopped)]
  }

  it('cut the text before the first of them, also when it is spread over pieces', () => {
    expect(pass(['END'], ['one E', 'N', 'D two']).join('')).toBe('one true')
    expect(pass(['x', 'END'], ['a END b x']).join('')).toBe('a true')
  })

  it('let everything through when none comes, the held-back end included', () => {
    expect(pass(['END'], ['one EN', 'Ergy']).join('')).toBe('one ENErgyfalse')
  })

  it('hold nothing back when there are none', () => {
    expect(pass([], ['a', 'b'])).toEqual(['a', 'b', 'false'])
  })
})

describe('neutral inputs', () => {
  it('are the fillers without worked examples, and shuffled words of the examples with them', () => {
    expect(neutralInputs([])).toEqual(['N/A', '', '[MASK]'])
    const shots = [
      { input: 'one two three four five', output: 'a' },
      { input: 'six seven eight', output: 'b' },
    ]
    const inputs = neutralInputs(shots)
    expect(inputs).toHaveLength(4)
    expect(inputs.every((input) => input.split(' ').length === 4)).toBe(true)
    expect(neutralInputs(shots)).toEqual(inputs)
  })
})

describe('the engine host process', () => {
  it('gets paths and settings, and nothing that looks like a secret', () => {
    const env = {
      PATH: '/bin',
      HOME: '/home/a',
      XDG_DATA_HOME: '/d',
      SPILLWAY_MODEL_PATH: '/m',
      OPENAI_API_KEY: 'k',
      SPILLWAY_TOKEN: 't',
      NODE_OPTIONS: '--x',
    }
    expect(hostEnvironment(env)).toEqual({
      PATH: '/bin',
      HOME: '/home/a',
      XDG_DATA_HOME: '/d',
      SPILLWAY_MODEL_PATH: '/m',
    })
  })

  it('listens in the state directory, or in the temp folder when the path is too long for a socket', () => {
    expect(hostEndpoint('/state', 'linux').address).toBe('/state/engine/3.22.1-p6.sock')
    const long = hostEndpoint(`/${'a'.repeat(120)}`, 'linux')
    expect(long.address).toMatch(/spillway-\d+-[0-9a-f]{16}\/e\.sock$/)
    expect(long.address.length).toBeLessThanOrEqual(103)
    expect(hostEndpoint('C:\\state', 'win32').address).toMatch(
      /^\\\\\.\\pipe\\spillway-engine-[0-9a-f]{16}-3\.22\.1-p6$/,
    )
  })
})

describe('messages for a local model', () => {
  it('are text only; developer speaks as system, and a tool result says that it is one', () => {
    const turns = toTurns([
      { role: 'developer', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', url: 'x', alt: 'a dam' },
        ],
      },
      { role: 'tool', content: '42' },
    ])
    expect(turns).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'Look\na dam' },
      { role: 'user', text: 'Tool result:\n42' },
    ])
  })
})

describe('the directories', () => {
  it('follow the XDG variables, and ignore relative ones', () => {
    const paths = resolvePaths({ HOME: '/home/a', XDG_DATA_HOME: '/data', XDG_STATE_HOME: 'relative' }, 'linux')
    expect(paths).toEqual({
      configDir: '/home/a/.config/spillway',
      dataDir: '/data/spillway',
      cacheDir: '/home/a/.cache/spillway',
      stateDir: '/home/a/.local/state/spillway',
    })
  })

  it('are the native ones on macOS', () => {
    expect(resolvePaths({ HOME: '/Users/a' }, 'darwin').dataDir).toBe('/Users/a/Library/Application Support/spillway')
  })
})
