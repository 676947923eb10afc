import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

describe('spillway kill', () => {
  it('gives an order with its reason, shows it, is obeyed by other commands, and is taken back', async () => {
    const given = await box.run(['kill', 'stop', '--reason', 'a leak', '--json'])
    expect(JSON.parse(given.stdout)).toMatchObject({ scope: 'all', order: 'stop', why: 'a leak', isChanged: true })
    expect((await box.run(['kill', 'status'])).stdout).toMatch(/^all: stop since .* by .*: a leak$/m)
    const route = await box.run(['route', 'What is a dam?', '--json'])
    expect(JSON.parse(route.stdout)).toMatchObject({ decision: { route: 'held', reason: 'kill_switch' } })
    expect((await box.run(['kill', 'off'])).stdout).toBe('all: off\n')
    const status = await box.run(['kill', 'status', '--json'])
    expect(JSON.parse(status.stdout)).toMatchObject({ orders: [], history: [{ mode: 'stop' }, { mode: 'off' }] })
  })

  it('gives an order for a task that the policy does not know, and says so', async () => {
    writeFileSync(join(box.folder, 'spillway.yaml'), 'tasks:\n  triage: { kind: text }\n')
    const typo = await box.run(['kill', 'stop', '--task', 'triagr', '--reason', 'x', '--json'])
    expect(JSON.parse(typo.stdout)).toMatchObject({ scope: 'task:triagr', isChanged: true })
    expect(typo.stderr).toContain('has no task triagr, so the order concerns nobody there. Did you mean triage?')
    for (const task of ['triage', 'edit_file'])
      expect((await box.run(['kill', 'stop', '--task', task, '--reason', 'x'])).stderr).not.toContain('no task')
    expect((await box.run(['kill', 'off', '--task', 'triagr'])).stderr).not.toContain('no task')
    writeFileSync(join(box.folder, 'spillway.yaml'), 'tasks: [')
    const unread = await box.run(['kill', 'stop', '--task', 'other', '--reason', 'x'])
    expect(unread).toMatchObject({ exitCode: 0, stdout: 'task:other: stop\n', stderr: '' })
  })

  it.each([
    [['kill', 'everything', '--reason', 'x'], 'there is no order everything'],
    [['kill', 'stop'], 'an order needs a reason'],
    [['kill', 'stop', '--reason', 'x', '--group', ''], 'group names nobody'],
    [['kill', 'stop', '--reason', 'x', '--task', 'a', '--tenant', 'b'], 'task and tenant exclude each other'],
    [['kill', 'stop', '--reason', 'x', '--group', 'a', '--tenant', 'b'], 'tenant and group exclude each other'],
  ])('says what is wrong with %j', async (args, message) => {
    const { exitCode, stderr } = await box.run(args)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
