/** The rows of `errors.ts` about batches. */
import type { ErrorRow } from './error-row.ts'

export const BATCH_ERRORS = {
  batch_files_unusable: {
    status: 409,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The result {path} cannot be gone on with: {problem}.',
    fix: '{fix}',
  },
  batch_row_interrupted: {
    status: 409,
    retryable: false,
    exitCode: 1,
    openaiType: 'server_error',
    message:
      'Row {id} was under way when the run before ended, and a frontier had been called for it as request {requestId}.',
    fix: '{fix}',
  },
  batch_file_too_large: {
    status: 413,
    retryable: false,
    exitCode: 2,
    openaiType: 'invalid_request_error',
    message: 'The file has more than {limitBytes} bytes.',
    fix: 'Send several files, or raise gateway.batches.maxFileBytes in the policy.',
  },
  batch_file_in_use: {
    status: 409,
    retryable: true,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'The file {id} is read by a batch that has not ended.',
    fix: 'Cancel the batch, or delete the file when it has ended.',
  },
  batch_cancelled: {
    status: 409,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'This row was not asked before the batch was cancelled.',
    fix: 'Send it again in another batch.',
  },
  batch_expired: {
    status: 409,
    retryable: false,
    exitCode: 1,
    openaiType: 'invalid_request_error',
    message: 'This row was not asked before the window of the batch was over.',
    fix: 'Send it again in another batch; gateway.batches.parallel of the policy says how many rows run side by side.',
  },
} as const satisfies Record<string, ErrorRow>
