/** Asking a person at a terminal. */
import { ExitCode } from './failure.ts'

export interface Choice<T> {
  readonly value: T
  readonly label: string
  readonly hint: string
}

export interface Asker {
  select<T extends string>(question: string, choices: readonly Choice<T>[], first: string): Promise<T>
  confirm(question: string, first: boolean): Promise<boolean>
}

const INTERRUPTED = 130

/** Asks on stderr, since stdout is for data. Ctrl-C and Escape end the command. */
export async function terminalAsker(): Promise<Asker> {
  const { confirm, isCancel, select } = await import('@clack/prompts')
  const output = process.stderr
  const answered = <T>(answer: T | symbol): T => {
    if (isCancel(answer)) throw new ExitCode(INTERRUPTED)
    return answer as T
  }
  return {
    async select(message, choices, first) {
      const options = choices.map(({ value, label, hint }) => ({ value: value as string, label, hint }))
      const isThere = options.some(({ value }) => value === first)
      const answer = await select({ message, options, output, ...(isThere && { initialValue: first }) })
      return answered<string>(answer) as (typeof choices)[number]['value']
    },
    async confirm(message, first) {
      return answered<boolean>(await confirm({ message, initialValue: first, output }))
    },
  }
}
