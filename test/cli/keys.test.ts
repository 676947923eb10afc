import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GrantFlags, grantOf } from '../../src/cli/key-grant.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

type Shown = Readonly<Record<string, unknown>> & { readonly id: string; readonly key: string }

async function keys(...args: readonly string[]): Promise<Shown> {
  const { exitCode, stdout, stderr } = await box.run(['keys', ...args, '--json'])
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout) as Shown
}

describe('the first command of a machine', () => {
  it('makes the state directory and what is in it for the owner alone', async () => {
    const own = sandbox()
    expect(await own.run(['keys', 'create', 'one', '--json'])).toMatchObject({ exitCode: 0 })
    const { stateDir } = resolvePaths(own.env, process.platform)
    const within = readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).map((name) => join(stateDir, name))
    expect(within).toContain(join(stateDir, 'keys.json'))
    const open = [stateDir, ...within].filter((path) => (statSync(path).mode & 0o077) !== 0)
    expect(open).toEqual([])
    await own.close()
  })
})

const list = async () => (await keys('list')) as unknown as readonly Shown[]

describe('keys create', () => {
  it('keeps all that a key may do, and lists it without the key', async () => {
    writeFileSync(join(box.folder, 'spillway.yaml'), 'tasks: { a: {}, b: {} }\n')
    const created = await keys(
      ...[
        'create',
        'ci',
        '--tasks',
        'a, b',
        '--models',
        'small,frontier',
        '--tenants',
        'acme',
        '--partition',
        'internal',
      ],
      ...['--budget-day', '2.5', '--budget-month', '20', '--rate', '60/min', '--tokens-per-minute', '1000'],
      ...['--concurrency', '4', '--expires', '90d', '--override'],
    )
    const grant = {
      tasks: ['a', 'b'],
      models: ['small', 'frontier'],
      tenants: ['acme'],
      partition: 'internal',
      budget: { day: 2.5, month: 20 },
      requestsPerMinute: 60,
      tokensPerMinute: 1000,
      concurrency: 4,
      override: true,
    }
    expect(created).toMatchObject({ name: 'ci', grant, key: expect.stringMatching(/^spw_[\w-]{43}$/) })
    const { key, ...rest } = created
    expect(await list()).toContainEqual(rest)
    expect(Date.parse(String(created.expiresAt)) - Date.parse(String(created.createdAt))).toBe(90 * 86_400_000)
    const file = join(box.env.XDG_STATE_HOME ?? '', 'spillway', 'keys.json')
    expect(readFileSync(file, 'utf8')).not.toContain(key)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const text = await box.run(['keys', 'list'])
    expect(text.stdout.replace(/\s+/g, ' ')).toContain('60 requests a minute')
  })

  it('says which names the policy does not know', async () => {
    const { stderr, exitCode } = await box.run([
      'keys',
      'create',
      'x',
      '--tasks',
      'a,typo',
      '--models',
      'frontier,ghost',
    ])
    expect(exitCode).toBe(0)
    expect(stderr).toContain('The policy here does not know typo, ghost.')
  })

  it('loses none when many are issued at the same instant', async () => {
    const names = Array.from({ length: 4 }, (_, at) => `at-once-${at}`)
    const created = await Promise.all(names.map((name) => keys('create', name)))
    const known = (await list()).map(({ id }) => id)
    for (const { id } of created) expect(known).toContain(id)
  })

  it('refuses flags that mean nothing, and issues nothing then', async () => {
    const before = await list()
    const { exitCode, stderr } = await box.run(['keys', 'create', 'bad', '--expires', 'tomorrow', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'usage', message: '--expires tomorrow is not a span from 1s to 3652d.' },
    })
    expect(await list()).toEqual(before)
  })

  it.each([
    [{ tasks: 'a,,b' }, '--tasks "a,,b" has an empty name.'],
    [{ tenants: '' }, '--tenants "" has an empty name.'],
    [{ partition: 'secret' }, '--partition secret is no partition.'],
    [{ budgetDay: '-1' }, '--budget-day -1 is not an amount above 0.'],
    [{ budgetMonth: '0' }, '--budget-month 0 is not an amount above 0.'],
    [{ rate: '5/hour' }, '--rate 5/hour is not a number of requests a minute.'],
    [{ rate: '0' }, '--rate 0 is not a number of requests a minute.'],
    [{ tokensPerMinute: '1.5' }, '--tokens-per-minute 1.5 is not a whole number of at least 1.'],
    [{ concurrency: 'many' }, '--concurrency many is not a whole number of at least 1.'],
  ] satisfies readonly [GrantFlags, string][])('takes no %j', (flags, message) => {
    expect(() => grantOf(flags)).toThrow(message)
  })
})

describe('keys rotate', () => {
  it('gives a new secret and keeps the rest; with a grace the one before still opens for a while', async () => {
    const created = await keys('create', 'rotated', '--rate', '5')
    const rotated = await keys('rotate', created.id)
    expect(rotated).toMatchObject({ id: created.id, name: 'rotated', grant: { requestsPerMinute: 5 } })
    expect(rotated.key).not.toBe(created.key)
    expect(rotated.previousUntil).toBeUndefined()
    const graceful = await keys('rotate', created.id, '--grace', '24h')
    expect(Date.parse(String(graceful.previousUntil))).toBeGreaterThan(Date.now() + 23 * 3_600_000)
    const unknown = await box.run(['keys', 'rotate', 'nobody'])
    expect(unknown.exitCode).toBe(1)
    expect(unknown.stderr).toContain('There is no key nobody.')
  })
})
