import { describe, expect, it } from 'vitest'
import { destinationOf, isPassedOn, ollamaBaseUrl, onThisMachine } from '../../src/spec/destination.ts'
import { RouterError } from '../../src/spec/errors.ts'
import { validatePolicy } from '../../src/stores/policy-file.ts'

function load(model: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}) {
  const base = { provider: 'ollama', model: 'qwen3:8b', tier: 'local_quality' }
  return validatePolicy({ models: { coder: { ...base, ...model } } }, { file: 'p.yaml', env })
}

function problemOf(...args: Parameters<typeof load>): readonly [string, string] {
  try {
    load(...args)
  } catch (error) {
    if (error instanceof RouterError) return [error.message, error.fix]
    throw error
  }
  throw new Error('the policy is sound')
}

describe('this machine', () => {
  it.each([
    'http://127.0.0.1:11434',
    'http://127.9.8.7/v1',
    'http://localhost:1234/v1',
    'http://LOCALHOST.:1234',
    'http://models.localhost:8080',
    'http://[::1]:8000/v1',
    'http://[::ffff:127.0.0.1]:8000',
    'http://2130706433/',
    'http://0x7f.1/',
  ])('is where %s leads', (url) => {
    expect(onThisMachine(url)).toBe(true)
  })

  it.each([
    'http://192.168.1.20:11434',
    'http://10.0.0.1/v1',
    'http://172.16.0.9',
    'http://169.254.1.1',
    'http://100.64.0.7:11434',
    'http://[fd00::1]:8000',
    'http://[fe80::1]',
    'http://0.0.0.0:11434',
    'http://gpu-box.local:11434',
    'http://127.0.0.1.evil.example/',
    'http://127.0.0.1@evil.example/',
    'http://localhost.evil.example/',
    'https://ollama.com',
    'http://host.docker.internal:11434',
    'not a url',
    '',
    undefined,
  ])('is not where %s leads', (url) => {
    expect(onThisMachine(url)).toBe(false)
  })
})

describe('a model id', () => {
  it.each(['gpt-oss:120b-cloud', 'glm-4.6:cloud', 'kimi-k2:1t-Cloud', 'user/name:cloud'])('%s is passed on', (id) => {
    expect(isPassedOn(id)).toBe(true)
  })
  it.each(['qwen3-coder:30b', 'cloud', 'nimbus-cloud', 'cloudy:7b', 'x:cloud-7b'])('%s is not', (id) => {
    expect(isPassedOn(id)).toBe(false)
  })
})

describe('OLLAMA_HOST', () => {
  it.each([
    [undefined, 'http://127.0.0.1:11434'],
    ['', 'http://127.0.0.1:11434'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:8000', 'http://127.0.0.1:8000'],
    [':8000', 'http://127.0.0.1:8000'],
    ['gpu-box', 'http://gpu-box:11434'],
    ['gpu-box:80', 'http://gpu-box'],
    ['http://gpu-box', 'http://gpu-box'],
    ['https://gpu-box/ollama/', 'https://gpu-box/ollama'],
    ['[::1]:9', 'http://[::1]:9'],
    ['"127.0.0.1:9"', 'http://127.0.0.1:9'],
    ['http://', 'http://127.0.0.1:11434'],
  ])('%j means %s', (host, url) => {
    expect(ollamaBaseUrl(host)).toBe(url)
  })
})

describe('a model of a local tier', () => {
  it('is found where OLLAMA_HOST says, and part of the digest', () => {
    const [here, there] = [load({}), load({}, { OLLAMA_HOST: '127.0.0.1:9000' })]
    expect(here.policy.models.coder?.baseUrl).toBe('http://127.0.0.1:11434')
    expect(there.policy.models.coder?.baseUrl).toBe('http://127.0.0.1:9000')
    expect(here.digest).not.toBe(there.digest)
    expect(load({ preset: 'ollama' }, { OLLAMA_HOST: ':9' }).policy.models.coder?.baseUrl).toBe('http://127.0.0.1:9')
  })

  it('needs no key behind the preset of a local server', () => {
    const { policy, missingKeys } = load({ provider: 'openai', preset: 'lmstudio' })
    expect([policy.models.coder?.baseUrl, missingKeys]).toEqual(['http://127.0.0.1:1234/v1', {}])
  })

  it('may not live on another machine, a private network included', () => {
    expect(problemOf({ baseUrl: 'http://192.168.1.20:11434' })).toEqual([
      'Policy p.yaml is invalid at models.coder.tier: http://192.168.1.20:11434 is not on this machine, so the model is not local.',
      'Use tier frontier, or a loopback address.',
    ])
    expect(problemOf({}, { OLLAMA_HOST: 'gpu-box' })[0]).toContain('http://gpu-box:11434 is not on this machine')
    expect(load({ baseUrl: 'http://192.168.1.20:11434', tier: 'frontier' }).policy.models.coder?.tier).toBe('frontier')
  })

  it('may not be one that Ollama runs in its cloud, whatever the provider is called', () => {
    const problem = 'gpt-oss:120b-cloud runs on machines of its provider, so the model is not local'
    const fix = 'Use tier frontier, or a model without cloud in its tag.'
    const message = `Policy p.yaml is invalid at models.coder.tier: ${problem}.`
    expect(problemOf({ model: 'gpt-oss:120b-cloud' })).toEqual([message, fix])
    const openai = { provider: 'openai', model: 'gpt-oss:120b-cloud', baseUrl: 'http://127.0.0.1:11434/v1' }
    expect(problemOf(openai)).toEqual([message, fix])
    expect(load({ model: 'gpt-oss:120b-cloud', tier: 'frontier' }).policy.models.coder?.tier).toBe('frontier')
  })

  it('may not be a gateway that passes requests on', () => {
    expect(problemOf({ provider: 'openai', preset: 'litellm' })[0]).toContain(
      'litellm passes requests on to other machines, so the model is not local',
    )
  })
})

describe('the destination of a model', () => {
  it('is the host of its address, of its provider, or this machine', () => {
    expect(destinationOf({ provider: 'openai' })).toBe('api.openai.com')
    expect(destinationOf({ provider: 'openai', baseUrl: 'https://eu.example.com:8443/v1' })).toBe('eu.example.com:8443')
    expect(destinationOf({ provider: 'embedded' })).toBe('this machine')
    expect(destinationOf({ provider: 'openai', baseUrl: 'no address' })).toBe('unknown')
    expect(destinationOf({ provider: 'plugin' })).toBe('plugin')
    expect(destinationOf({ provider: 'mcp-client' })).toBe('mcp-client')
    expect(destinationOf({ provider: 'plugin', baseUrl: 'https://eu.example.com/v1' })).toBe('eu.example.com')
  })

  it('is told rightly however many addresses were asked about before', () => {
    for (let port = 1; port <= 1100; port += 1) {
      const baseUrl = `http://127.0.0.1:${port}/v1`
      expect(onThisMachine(baseUrl)).toBe(true)
      expect(onThisMachine(`http://10.0.0.1:${port}/v1`)).toBe(false)
      expect(destinationOf({ provider: 'openai', baseUrl })).toBe(port === 80 ? '127.0.0.1' : `127.0.0.1:${port}`)
    }
    expect(onThisMachine('http://127.0.0.1:1/v1')).toBe(true)
    expect(destinationOf({ provider: 'openai', baseUrl: 'http://127.0.0.1:1/v1' })).toBe('127.0.0.1:1')
  })
})
