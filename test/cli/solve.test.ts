import { afterAll, describe, expect, it } from 'vitest'
import { sandbox } from './spillway.ts'

const box = sandbox()
afterAll(() => box.close())

describe('spillway solve', () => {
  it('prints the answer alone, and with --steps the computation on stderr', async () => {
    const { exitCode: code, stdout, stderr } = await box.run(['solve', '--steps', 'Convert 5 ft 10 in to cm'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '177.8\n' })
    expect(stderr).toContain('10 in = 10 * 0.0254 m = 0.254 m')
  })

  it('prints answer, solver and steps as JSON', async () => {
    const { exitCode: code, stdout } = await box.run(['solve', '--json', '17*23+4'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      answer: '395',
      solver: 'arithmetic',
      steps: ['17 * 23 = 391', '391 + 4 = 395'],
    })
  })

  it('reads a question with its options from a pipe', async () => {
    const { exitCode: code, stdout } = await box.run(['solve'], { input: 'What is 3 + 4?\n(A) 6\n(B) 7\n' })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'B\n' })
  })

  it('means by "today" what --today says, and declines without it', async () => {
    const told = await box.run(['solve', '--today', '2024-02-28', 'What is the date in 2 days?'])
    expect(told.stdout).toBe('March 1, 2024\n')
    const untold = await box.run(['solve', '--json', 'What is the date in 2 days?'])
    expect(untold.exitCode).toBe(1)
    expect(JSON.parse(untold.stdout)).toEqual({ answer: null, solver: null, steps: [] })
  })

  it.each([
    [['--today', '2024-02-30', 'tomorrow'], '--today 2024-02-30 is no date'],
    [['--today', 'soon', 'tomorrow'], '--today soon is no date'],
    [['  '], 'The question is empty'],
    [['--stepz', '1+1'], '--stepz'],
  ])('refuses %j as wrong use', async (args, problem) => {
    const { exitCode: code, stdout, stderr } = await box.run(['solve', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(problem)
  })

  it('shows in `route` that a solver would answer', async () => {
    const { stdout } = await box.run(['route', '--json', 'What date is 30 days after January 15, 2024?'])
    expect(JSON.parse(stdout)).toMatchObject({ solver: { name: 'dates', answer: 'February 14, 2024' } })
  })
})
