import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

const POLICY = `
models:
  small: { provider: embedded, model: smollm2-135m-instruct, tier: local_fast }
tasks:
  enough: { stopCheck: { task: risky, kind: access, harmless: harmless.jsonl, maxFalseStopRate: 0.05 } }
  strict: { stopCheck: { task: risky, kind: access, harmless: harmless.jsonl } }
  bare: { stopCheck: { task: risky, kind: security } }
  risky: { kind: boolean }
`

let box: Sandbox
beforeAll(() => {
  box = sandbox()
  writeFileSync(join(box.folder, 'spillway.yaml'), POLICY)
  const texts = Array.from({ length: 19 }, (_, at) => JSON.stringify({ text: `harmless ${at}` }))
  writeFileSync(join(box.folder, 'harmless.jsonl'), texts.join('\n'))
})
afterAll(() => box.close())

const STRICT =
  'Off: 19 of 49 harmless texts that its head was not trained on, for maxFalseStopRate 0.02. Add harmless texts to tasks.strict.stopCheck.harmless; until then terms alone stop.'

describe('a policy', () => {
  it('says which stop checks are off, why, and what to do', async () => {
    const { stdout, exitCode } = await box.run(['policy', 'check', '--json'])
    expect(exitCode).toBe(0)
    const { warnings } = JSON.parse(stdout) as { readonly warnings: readonly string[] }
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toBe(`stop check of strict: ${STRICT}`)
    expect(warnings[1]).toContain('stop check of bare: Off: 0 of 49 harmless texts')
    expect((await box.run(['policy', 'check'])).stdout).toContain(`Warning: stop check of strict: ${STRICT}`)
  })

  it('shows them in doctor, those that are on too', async () => {
    const { stdout } = await box.run(['doctor', '--json'])
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { readonly name: string }[] }
    expect(checks.filter(({ name }) => name.startsWith('stop check'))).toMatchObject([
      { name: 'stop check enough', state: 'ok', why: 'A yes of risky stops (access), beside 19 harmless texts.' },
      { name: 'stop check strict', state: 'warn' },
      { name: 'stop check bare', state: 'warn' },
    ])
  })
})
