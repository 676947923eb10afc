/** Colour: on a terminal or by wish, never in data. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Sandbox, sandbox } from './spillway.ts'

let box: Sandbox
beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

const ESCAPE = '\u001b['
const WISHES: readonly (readonly [string, NodeJS.ProcessEnv, boolean])[] = [
  ['absent where nothing is said and there is no terminal', { NO_COLOR: '', FORCE_COLOR: undefined }, false],
  ['there when FORCE_COLOR asks for it', { NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ['absent when NO_COLOR is set', { NO_COLOR: '1', FORCE_COLOR: undefined }, false],
  ['absent when both are set, without a word about it', { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
]

it.each(WISHES)('is %s', async (_, env, isPainted) => {
  const { stderr } = await box.run(['akk'], { env })
  expect(stderr).toContain("Unknown command 'akk'.")
  expect(stderr.includes(ESCAPE)).toBe(isPainted)
  expect(stderr).not.toContain('Warning')
})

it('is never in data', async () => {
  const { stdout } = await box.run(['models', 'list', '--json'], { env: { NO_COLOR: '', FORCE_COLOR: '1' } })
  expect(stdout).not.toContain(ESCAPE)
  expect(JSON.parse(stdout)).toBeTypeOf('object')
})
