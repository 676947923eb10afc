import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let cli: Sandbox

beforeAll(() => {
  cli = sandbox()
  const plugin = (name: string, kind: string, body: string): void =>
    writeFileSync(
      join(cli.folder, `${name}.mjs`),
      `export default { api: 1, kind: '${kind}', name: '${name}', version: '1.0.0', ${body} }\n`,
    )
  plugin('calm', 'gate', "check: () => ({ accepted: true, detail: 'fine' })")
  plugin('ids', 'detector', "finds: 'name', find: () => []")
  plugin('knows', 'solver', "solve: (question) => question === 'Colour?' ? { answer: 'blue' } : null")
  writeFileSync(
    join(cli.folder, 'spillway.yaml'),
    `plugins: [./calm.mjs, { from: ./knows.mjs, tasks: [chat] }, ./ids.mjs]
models: { small: { provider: openai, model: s, tier: local_fast, baseUrl: "http://127.0.0.1:9/v1" } }
tasks: { chat: { kind: text, complexity: simple } }
defaults: { task: chat }
`,
  )
})
afterAll(() => cli.close())

describe('plugins on the command line', () => {
  it('are listed by policy check, which warns of one that nothing asks', async () => {
    const { exitCode, stdout } = await cli.run(['policy', 'check', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      plugins: [
        { kind: 'gate', name: 'calm', version: '1.0.0', from: './calm.mjs' },
        { kind: 'solver', name: 'knows' },
        { kind: 'detector', name: 'ids' },
      ],
      warnings: [expect.stringContaining('neither privacy.redact nor privacy.localOnly.detect lists name')],
    })
  })

  it('have a line each in doctor', async () => {
    const { stdout } = await cli.run(['doctor', '--json'])
    const { checks } = JSON.parse(stdout) as {
      readonly checks: readonly { readonly name: string; readonly state: string }[]
    }
    expect(
      checks.filter(({ name }) => name.startsWith('plugin ')).map(({ name, state }) => `${name} ${state}`),
    ).toEqual(['plugin calm ok', 'plugin knows ok', 'plugin ids warn'])
  })

  it('stand in the record that why prints', async () => {
    const asked = await cli.run(['ask', 'Colour?', '--json'])
    const { requestId, answer } = JSON.parse(asked.stdout) as { readonly requestId: string; readonly answer: string }
    expect(answer).toBe('blue')
    const { stdout } = await cli.run(['why', requestId])
    expect(stdout).toContain('plugin     solver knows 1.0.0 answered')
  })

  it('end a command with the place, the problem and the fix when one cannot be loaded', async () => {
    writeFileSync(join(cli.folder, 'bad.yaml'), 'plugins:\n  - ./gone.mjs\n')
    const { exitCode, stderr } = await cli.run(['ask', 'x', '--policy', 'bad.yaml', '--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toEqual({
      error: {
        code: 'policy_invalid',
        message:
          'Policy bad.yaml is invalid at plugins.0 (line 2:5): there is no file ./gone.mjs beside the policy file.',
        fix: 'Correct the path, or remove it.',
      },
    })
  })
})
