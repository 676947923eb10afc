/** @param pid a number that is used again after a while: it may be another process by now */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // The process of another user is there, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
