import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  american: { provider: openai, model: gpt, tier: frontier, apiKey: "\${env:KEY}" }
  european: { provider: openai, preset: mistral, model: large, tier: frontier, apiKey: "\${env:KEY}" }
tasks:
  chat: { local: false }
privacy: { residency: eu, localOnly: { detect: [iban] } }
`

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
})
afterAll(() => box.close())

describe('where text may go', () => {
  it('is shown by route', async () => {
    const { stdout } = await box.run(['route', '--task', 'chat', 'hello'], { env: { KEY: 'k' } })
    expect(stdout).toMatch(/^frontier +european$/m)
    expect(stdout).toMatch(/^not to +american: its residency is us, privacy\.residency is eu$/m)
  })

  it('is shown by doctor, frontier by frontier', async () => {
    const { stdout } = await box.run(['doctor', '--json'], { env: { KEY: 'k' } })
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] }
    expect(checks.filter(({ name }) => name.startsWith('egress'))).toMatchObject([
      {
        name: 'egress american',
        state: 'warn',
        why: 'Internal text does not go to api.openai.com, residency us: its residency is us, privacy.residency is eu.',
      },
      { name: 'egress european', state: 'ok', why: 'Internal text may go to api.mistral.ai, residency eu.' },
    ])
  })

  it('is refused in a policy with a place that is no code', async () => {
    writeFileSync(join(box.folder, 'wrong.yaml'), 'privacy: { residency: Europe }\n')
    const { exitCode, stderr } = await box.run(['policy', 'check', 'wrong.yaml'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('privacy.residency')
    expect(stderr).toContain('is not a code such as eu, us or self')
  })
})
