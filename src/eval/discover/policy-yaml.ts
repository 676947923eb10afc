/** Proposed tasks as a policy to review: plain YAML whose comments say why. Pure. */
import { stringify } from 'yaml'
import type { LogAccount, TaskAccount } from '../import/account.ts'
import type { TaskProposal } from './propose.ts'

export interface PolicyText {
  readonly proposals: readonly TaskProposal[]
  /** What the rules make of the traffic; null before it was gone through. */
  readonly account: LogAccount | null
  /** The section `models`, as its author writes it. */
  readonly models: Readonly<Record<string, unknown>>
  /** Where the traffic came from, for the first line. */
  readonly from: string
  /** The policy's model for a name of the traffic; null: any frontier. */
  readonly frontierFor: (model: string) => string | null
}

const WIDTH = 110

export function policyText({ proposals, account, models, from, frontierFor }: PolicyText): string {
  const accounts = new Map(account?.tasks.map((one) => [one.task, one]) ?? [])
  const tasks = proposals.map((proposal) => {
    const task = taskObject(proposal, frontierFor(proposal.models[0] ?? ''))
    const yaml = stringify({ [proposal.name]: task }, { lineWidth: 0 }).trimEnd()
    return [...comments(proposal, accounts.get(proposal.name)), ...yaml.split('\n')]
      .map((line) => `  ${line}`.trimEnd())
      .join('\n')
  })
  return [
    '# yaml-language-server: $schema=./node_modules/spillway/schema.json',
    `# Proposed from ${from}. Review every task before you use it: names, labels, match.`,
    '# All tasks are in shadow: their callers get the frontier, local models are only measured.',
    stringify({ models }, { lineWidth: 0 }).trimEnd(),
    '',
    tasks.length > 0 ? `tasks:\n${tasks.join('\n\n')}` : 'tasks: {}',
    '',
  ].join('\n')
}

function comments(proposal: TaskProposal, account: TaskAccount | undefined): readonly string[] {
  const { requests, models, certainty, kind, evidence, shape, frontierOnly, match } = proposal
  const lines = [
    `${requests} request${requests === 1 ? '' : 's'}${models.length > 0 ? `, sent to ${models.slice(0, 3).join(', ')}` : ''}.`,
    `Kind ${kind} (${certainty}): ${evidence.join('; ')}.`,
    ...(account ? shareLines(account) : []),
    ...shape.notes,
    ...(frontierOnly ? [`Stays with the frontier. ${frontierOnly}`] : []),
    ...(match === null
      ? ['Nothing constant tells these requests apart: let the client name the task (metadata.task).']
      : []),
  ]
  return lines.flatMap((line) => wrapped(line))
}

function shareLines({ requests, localShare, saving, stays, cost }: TaskAccount): readonly string[] {
  const reasons = Object.entries(stays).map(([reason, count]) => `${reason} ${count}`)
  const expected = localShare.expected === null ? 'unknown' : percent(localShare.expected)
  const isPriced = cost.unknown < requests
  const saved = saving.expectedUsd === null ? 'unknown' : dollars(saving.expectedUsd)
  const basis =
    cost.inputOnly > 0 ? ' (list prices, input alone at 4 characters a token: the answers are not in the traffic)' : ''
  return [
    `Local share: at most ${percent(localShare.atMost)}, expected ${expected} (${localShare.assumption}).`,
    ...(reasons.length > 0 ? [`Stays by the rules: ${reasons.join(', ')} of ${requests}.`] : []),
    isPriced
      ? `Saving on these requests: expected ${saved}, at most ${dollars(saving.atMostUsd)} of ${dollars(cost.usd)}${basis}.`
      : 'Saving: unknown, no price is known of the models.',
  ]
}

function taskObject(proposal: TaskProposal, frontier: string | null): Readonly<Record<string, unknown>> {
  const { shape, match, prompt, escalateLabels, frontierOnly, maxInputChars, description } = proposal
  const { notes: _, ...answer } = shape
  // What is read needs no large model; what is written is better by one.
  const isRead = ['choice', 'boolean', 'score', 'extract', 'tool', 'rank'].includes(answer.kind)
  const isProvable = ['choice', 'boolean', 'score', 'extract'].includes(answer.kind)
  return {
    description,
    ...answer,
    ...(escalateLabels.length > 0 && { escalateLabels }),
    ...(match && { match }),
    ...(prompt && { prompt }),
    local: frontierOnly ? false : isRead ? ['local_fast', 'local_quality'] : ['local_quality', 'local_fast'],
    ...(frontier === null ? {} : { frontier }),
    maxInputChars,
    ...(isProvable && !frontierOnly && { accept: { maxErrorRate: 0.05 } }),
    ...(frontierOnly ? {} : { stage: 'shadow' }),
  }
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.replace(/\s+/g, ' ').split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line)
      line = '# '
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function dollars(usd: number): string {
  return `$${usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(2)}`
}
