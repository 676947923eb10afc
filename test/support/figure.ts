import type { TestContext } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** What the test measured; `npm run test:promises` and `test:faults` print it. */
    figure?: string
  }
}

/** Keeps what a test measured with its result. */
export function figure({ task }: Pick<TestContext, 'task'>, measured: string): void {
  task.meta.figure = measured
}
