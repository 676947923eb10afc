import { accept, type Gate, reject } from './gate.ts'

/**
 * Says whether an error bound stands behind the acceptance. No calibrator is fitted for any task yet, so the task's
 * `accept.uncalibrated` decides: false rejects with `uncalibrated`; true lets the plain thresholds decide, and the
 * verdict says that nothing is proven.
 */
export const calibrated: Gate = ({ task, taskName }) => {
  if (task.accept.uncalibrated) {
    return accept('calibrated', 'Not proven: plain thresholds decided, no error bound is fitted.')
  }
  return reject('calibrated', {
    reason: 'uncalibrated',
    detail: `No error bound is fitted for task ${taskName}; set tasks.${taskName}.accept.uncalibrated: true to accept on plain thresholds, marked proven: false.`,
  })
}
