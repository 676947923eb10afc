import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { reportFailure } from '../../src/cli/failure.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { RouterError } from '../../src/spec/errors.ts'

function report(error: unknown, json: boolean): { readonly exitCode: number; readonly said: string } {
  const said: string[] = []
  const ignore = (): void => undefined
  const terminal: Terminal = {
    print: ignore,
    write: ignore,
    json: ignore,
    say: (line) => void said.push(line),
    paint: (_, text) => text,
    columns: 80,
  }
  return { exitCode: reportFailure(error, terminal, { json }), said: said.join('\n') }
}

describe('a failed command', () => {
  it.each([
    [new RouterError('unknown_task', { task: 'x', fix: 'y' }), 2],
    [new RouterError('engine_not_installed', { path: '/p' }), 3],
    [new RouterError('memory_no_fit', { model: 'm', needMb: 2, freeMb: 1 }), 4],
    [new RouterError('held_for_human', { requestId: 'r', reason: 'hard_stop_access', fix: 'f' }), 5],
    [new RouterError('cancelled', { requestId: 'r' }), 130],
    [new Error('broken'), 1],
  ])('ends with the exit code of its kind: %s → %i', (error, exitCode) => {
    expect(report(error, false).exitCode).toBe(exitCode)
  })

  it('prints message and fix, and never a stack', () => {
    expect(report(new RouterError('port_taken', { port: 8484, host: '127.0.0.1' }), false).said).toBe(
      'error Port 8484 on 127.0.0.1 is in use.\n  fix Stop the other program, or choose another port with --port (0 picks a free one).',
    )
    expect(report(new Error('broken'), false).said).not.toMatch(/\bat .*:\d+/)
  })

  it('prints one JSON object with --json', () => {
    const { said } = report(new RouterError('unknown_task', { task: 'sumarize', fix: 'Did you mean summarize?' }), true)
    expect(JSON.parse(said)).toEqual({
      error: { code: 'unknown_task', message: 'Task sumarize is not in the policy.', fix: 'Did you mean summarize?' },
    })
  })

  it('turns a suggestion of the command parser into the fix', () => {
    const error = new CommanderError(1, 'commander.unknownCommand', "error: unknown command 'akk'\n(Did you mean ask?)")
    expect(report(error, false)).toEqual({ exitCode: 2, said: "error Unknown command 'akk'.\n  fix Did you mean ask?" })
  })
})
