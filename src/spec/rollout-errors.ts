/** The rows of `errors.ts` about the stages of tasks. */
import type { ErrorRow } from './error-row.ts'

export const ROLLOUT_ERRORS = {
  rollouts_unreadable: {
    status: 500,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message: 'The stages in {path} cannot be read; until they can, no local answer is served.',
    fix: 'Delete the file: the stages of the policy hold again, and `spillway audit events` shows the moves.',
  },
  bar_missed: {
    status: 409,
    retryable: false,
    exitCode: 6,
    openaiType: 'policy_error',
    message: 'Task {task} may not go to {stage} yet: {problem}.',
    fix: '{fix}',
  },
  candidate_unproven: {
    status: 409,
    retryable: false,
    exitCode: 6,
    openaiType: 'policy_error',
    message: 'The candidate of task {task} ({candidate}) may not take over: {verdict}; {problem}.',
    fix: '{fix}',
  },
} as const satisfies Record<string, ErrorRow>
