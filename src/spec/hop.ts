/** The mark by which a gateway knows its own requests, should a model of its policy lead back to it. Pure. */

/** Sent to servers on this machine and in private networks, never to a provider. */
export const HOP_HEADER = 'x-spillway-hop'

/**
 * @param pid of the process that sends
 * @param startedMs when it started, milliseconds since 1970, so that a process id that is used again is told apart
 */
export function hopOf(pid: number, startedMs: number): string {
  return `${pid}.${Math.round(startedMs)}`
}
