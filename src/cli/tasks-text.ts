/** How proposed tasks are told. */
import type { TaskProposal } from '../eval/discover/propose.ts'
import type { TrafficStudy } from './traffic-study.ts'

/** For people, on stderr. */
export function summaryLines({ discovery, read, sampled, typed, account }: TrafficStudy): readonly string[] {
  const { proposals, ungrouped } = discovery
  return [
    `${read} requests${sampled < read - typed ? `, ${sampled} of them drawn` : ''}: ${proposals.length} tasks proposed, ${ungrouped} requests in no group.`,
    ...(typed > 0 ? [`${typed} named their task themselves and were left out.`] : []),
    `At most ${Math.round(account.localShare.atMost * 100)} % may be answered here; how many will be is for shadow to show.`,
  ]
}

/** For `--json`. */
export function jsonOf({ discovery, account, policy, ...counts }: TrafficStudy, badLines: number): unknown {
  const accounts = new Map(account.tasks.map((one) => [one.task, one]))
  return {
    ...counts,
    badLines,
    ungrouped: discovery.ungrouped,
    groups: discovery.proposals.map((proposal) => ({
      ...groupOf(proposal),
      matched: accounts.get(proposal.name)?.requests ?? 0,
      stays: accounts.get(proposal.name)?.stays ?? {},
      solver: accounts.get(proposal.name)?.solver ?? 0,
      localShare: accounts.get(proposal.name)?.localShare ?? null,
      cost: accounts.get(proposal.name)?.cost ?? null,
      saving: accounts.get(proposal.name)?.saving ?? null,
      risk: accounts.get(proposal.name)?.risk ?? null,
    })),
    localShare: account.localShare,
    saving: account.saving,
    policy,
  }
}

/** One proposal, flat. */
export function groupOf({ ids, shape, ...proposal }: TaskProposal): Readonly<Record<string, unknown>> {
  const { notes, kind: policyKind, ...rest } = shape
  return { ...proposal, policyKind, ...rest, notes, examples: ids.slice(0, 3) }
}
