/** The last look at what is about to leave: kinds of data that a policy keeps at home are in none of it. */
import { leavingTexts } from '../classify/leaving.ts'
import type { FindPrivate } from '../classify/privacy/find.ts'
import { RouterError } from '../spec/errors.ts'
import type { ModelCall } from '../spec/ports.ts'
import type { PrivateKind } from '../spec/private-kinds.ts'
import { notingFinder } from './find-private.ts'
import { letOthersIn } from './parted.ts'
import { readForPrivate } from './reading-thread.ts'
import type { PipelineDeps, Run } from './run.ts'

/**
 * The caller's request was read before; this also sees what others added: a draft, a packet, the answer of a tool.
 *
 * @param masked as it will be sent
 * @throws RouterError privacy_local_only, also when a detector fails
 */
export async function refusePrivate(
  masked: ModelCall,
  { run, deps }: { readonly run: Run; readonly deps: PipelineDeps },
): Promise<void> {
  const { detect } = deps.loaded.policy.privacy.localOnly
  if (detect.length === 0) return
  const texts = leavingTexts(masked)
  await letOthersIn(masked.wire?.bytes ?? 0)
  await readForPrivate(texts, detect, deps)
  const kind = foundKind(texts, detect, notingFinder(deps, run.plugins))
  if (kind === null) return
  const why = `private data that privacy.localOnly.detect keeps here is left in it: ${kind}`
  throw new RouterError('privacy_local_only', { requestId: run.requestId, why })
}

function foundKind(
  texts: ReturnType<typeof leavingTexts>,
  detect: readonly PrivateKind[],
  find: FindPrivate,
): string | null {
  try {
    for (const { text, writing } of texts) {
      const [found] = find(text, detect, writing)
      if (found) return found.kind
    }
    return null
  } catch {
    return 'a detector failed'
  }
}
