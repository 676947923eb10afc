/** The desk of held requests of the server of this machine. */
import type { HeldRequest, HeldState } from '../spec/held.ts'
import type { RouterRequest } from '../spec/request.ts'
import type { HeldDesk, ToldHeld } from '../spec/router.ts'
import { callServer, type RunningServer } from './running-server.ts'

/** What the command needs of the desk; a server of this machine has the same. */
export type DeskInUse = Pick<HeldDesk, 'text' | 'answer' | 'release' | 'refuse'> & {
  list(query: { readonly states: readonly HeldState[]; readonly task?: string }): Promise<readonly HeldRequest[]>
}

/** Each method throws RouterError: the server's own, and `model_unreachable` when it went away. */
export function deskOnServer(server: RunningServer, signal: AbortSignal): DeskInUse {
  const path = (id: string, what = ''): string => `/spillway/v1/held/${encodeURIComponent(id)}${what}`
  const decide = async (id: string, what: string, body: object): Promise<ToldHeld> => {
    const told = (await callServer(server, { path: path(id, what), body, signal })) as { readonly request: ToldHeld }
    return told.request
  }
  return {
    async list({ states, task }) {
      const query = new URLSearchParams({
        state: states.length === 1 ? (states[0] ?? 'all') : 'all',
        ...(task !== undefined && { task }),
      })
      const told = await callServer(server, { path: `/spillway/v1/held?${query}`, signal })
      return (told as { readonly data: readonly { readonly request: HeldRequest }[] }).data.map(
        ({ request }) => request,
      )
    },
    text: async (id, { by }) =>
      (await callServer(server, { path: path(id, '/text'), body: { by }, signal })) as RouterRequest,
    answer: (id, given) => decide(id, '/answer', given),
    release: (id, { signal: _, ...given }) => decide(id, '/release', given),
    refuse: (id, given) => decide(id, '/refuse', given),
  }
}
