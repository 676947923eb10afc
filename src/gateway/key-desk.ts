/** The desk of held requests as one key finds it: what it held itself is there, and nothing else; only the operator decides. */
import { unknownHeld } from '../pipeline/release.ts'
import { RouterError } from '../spec/errors.ts'
import type { HeldRequest } from '../spec/held.ts'
import type { HeldDesk } from '../spec/router.ts'
import type { KeyHolder } from './keys.ts'

export function deskForKey(desk: HeldDesk, holder: KeyHolder): HeldDesk {
  if (holder.isOperator) return desk
  const isOwn = ({ key, tenant }: HeldRequest): boolean =>
    key === holder.id && (tenant === null || (holder.grant.tenants?.includes(tenant) ?? true))
  const decides = async (): Promise<never> => {
    throw new RouterError('not_found', { subject: 'path', value: 'of this key', fix: "Use the operator's key." })
  }
  const requireOwn = (id: string): void => {
    const found = desk.find(id)
    if (found && isOwn(found)) return
    throw unknownHeld(id)
  }
  return {
    list: (query) => desk.list({ ...query, key: holder.id }).filter(isOwn),
    find(id) {
      const found = desk.find(id)
      return found && isOwn(found) ? found : null
    },
    async wait(id, options) {
      requireOwn(id)
      return desk.wait(id, options)
    },
    text: decides,
    answer: decides,
    release: decides,
    refuse: decides,
  }
}
