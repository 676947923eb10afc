import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeEach(() => {
  box = sandbox()
  policy('budgets: { tenants: { "*": { day: 1 } } }')
})
afterEach(() => box.close())

function policy(budgets: string): void {
  writeFileSync(join(box.folder, 'spillway.yaml'), `tasks: { a: {} }\n${budgets}\n`)
}

async function keyFor(...args: readonly string[]): Promise<string> {
  const { stdout } = await box.run(['keys', 'create', ...args, '--json'])
  return (JSON.parse(stdout) as { readonly id: string }).id
}

async function warnings(): Promise<readonly string[]> {
  const { stdout, exitCode } = await box.run(['policy', 'check', '--json'])
  expect(exitCode).toBe(0)
  return (JSON.parse(stdout) as { readonly warnings: readonly string[] }).warnings
}

describe('a ceiling of tenants', () => {
  it('is warned of while a key may name any tenant, with what to do', async () => {
    await keyFor('bound', '--tenants', 'acme')
    expect(await warnings()).toEqual([])
    const id = await keyFor('free')
    const warning = `budgets.tenants holds for the tenant that a request names, and there is a key that may name any: ${id} (free). Issue keys with --tenants; budgets.day and --budget-day hold whatever tenant is named.`
    expect(await warnings()).toEqual([warning])
    const { stdout } = await box.run(['doctor', '--json'])
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] }
    expect(checks.find(({ name }) => name === 'tenant ceilings')).toMatchObject({ state: 'warn' })
    await box.run(['keys', 'revoke', id])
    expect(await warnings()).toEqual([])
  })

  it('that nobody set warns of no key', async () => {
    await keyFor('free')
    policy('budgets: { day: 1 }')
    expect(await warnings()).toEqual([])
  })

  it('names a few of many keys, and says when their list cannot be read', async () => {
    for (let at = 0; at < 6; at += 1) await keyFor(`free-${at}`)
    expect((await warnings())[0]).toMatch(/6 keys that may name any: .*\(free-4\) and 1 more\./)
    writeFileSync(join(box.env.XDG_STATE_HOME ?? '', 'spillway', 'keys.json'), 'not a list')
    expect((await warnings())[0]).toContain('keys.json in the state directory cannot be read')
  })
})
