import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TEMPLATES, templateFile } from '../../src/cli/context.ts'
import { TEMPLATE_USES } from '../../src/cli/init-templates.ts'
import type { LoadedPolicy } from '../../src/spec/policy.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'

const LEAVING = ['agent', 'developer', 'roles', 'tour', 'log-triage', 'support-tickets', 'document-qa'] as const
const NAMES = [...LEAVING, 'private-notes'] as const

function template(name: (typeof NAMES)[number]): LoadedPolicy {
  return parsePolicy(readFileSync(templateFile(name), 'utf8'), { file: `${name}.yaml`, env: {} })
}

describe('the shipped policy templates', () => {
  it.each(LEAVING)('%s is valid without any key set, and names the keys it could use', (name) => {
    expect(template(name).missingKeys).toEqual({ haiku: 'ANTHROPIC_API_KEY', luna: 'OPENAI_API_KEY' })
  })

  it.each(NAMES)('%s tells editors where its schema is in the first line', (name) => {
    const [first] = readFileSync(templateFile(name), 'utf8').split('\n')
    expect(first).toBe('# yaml-language-server: $schema=./node_modules/spillway/schema.json')
  })

  it('give the agent its nine tasks', () => {
    expect(Object.keys(template('agent').policy.tasks)).toEqual([
      'classify_issue',
      'extract_fields',
      'summarize_log',
      'draft_commit_message',
      'identify_files',
      'choose_next_test',
      'answer_user_question',
      'propose_code_change',
      'security_review',
    ])
  })

  it('keep code changes and security reviews of the agent away from local models', () => {
    const { tasks } = template('agent').policy
    expect([tasks.propose_code_change?.local, tasks.security_review?.local]).toEqual([false, false])
  })

  it('let no local model settle a security, access or unknown label', () => {
    const task = template('agent').policy.tasks.classify_issue
    expect(task).toMatchObject({
      labels: ['build', 'test', 'dependency', 'security', 'access', 'unknown'],
      escalateLabels: ['security', 'access', 'unknown'],
      minConfidence: 0.72,
      maxInputChars: 6000,
    })
  })

  it('limit what a summary of the agent reads and when it is kept', () => {
    expect(template('agent').policy.tasks.summarize_log).toMatchObject({ maxInputChars: 12000, minConfidence: 0.68 })
  })

  it('give the developer ten classes, each with its reason', () => {
    const tasks = Object.values(template('developer').policy.tasks)
    expect(tasks).toHaveLength(10)
    expect(tasks.filter((task) => !task.reason)).toEqual([])
  })

  it('let the developer’s own code review never leave the machine', () => {
    expect(template('developer').policy.tasks.code_review).toMatchObject({ partition: 'local_only', frontier: false })
  })

  it('say of every accepted answer that nothing is proven yet', () => {
    const accepting = NAMES.flatMap((name) => Object.values(template(name).policy.tasks)).filter(
      (task) => task.stage === 'accept',
    )
    expect(accepting.length).toBeGreaterThan(10)
    expect(accepting.filter((task) => !task.accept.uncalibrated)).toEqual([])
  })

  it('give each role of a tool a tier that is fixed', () => {
    const { tasks } = template('roles').policy
    expect(Object.keys(tasks)).toEqual(['autocomplete', 'edit', 'chat', 'summarise', 'translate', 'plan'])
    expect(Object.values(tasks).every(({ pattern }) => pattern.direct !== undefined)).toBe(true)
    const tiers = Object.entries(tasks).map(([name, { local, frontier }]) => [name, local, frontier])
    expect(tiers).toEqual([
      ['autocomplete', ['local_quality', 'local_fast'], false],
      ['edit', ['local_quality'], ['haiku', 'luna']],
      ['chat', false, ['haiku', 'luna']],
      ['summarise', ['local_quality', 'local_fast'], ['haiku', 'luna']],
      ['translate', ['local_quality', 'local_fast'], ['haiku', 'luna']],
      ['plan', false, ['haiku', 'luna']],
    ])
  })

  it('are offered by init under the use that each is for', () => {
    expect([...TEMPLATES].sort()).toEqual([...NAMES].sort())
    expect(Object.keys(TEMPLATE_USES).sort()).toEqual(NAMES.filter((name) => name !== 'tour').sort())
  })

  it('let nothing of private notes leave, whatever keys are set', () => {
    const { policy } = template('private-notes')
    expect(Object.values(policy.models).map(({ tier }) => tier)).toEqual(['local_fast'])
    expect(policy.privacy.default).toBe('local_only')
    expect(
      Object.values(policy.tasks).every((task) => task.partition === 'local_only' && task.frontier === false),
    ).toBe(true)
  })

  it('let no local model settle what is costly to get wrong in logs and tickets', () => {
    expect(template('log-triage').policy.tasks.classify_log?.escalateLabels).toEqual(['security', 'access', 'unknown'])
    expect(template('support-tickets').policy.tasks.route_ticket?.escalateLabels).toEqual(['complaint', 'other'])
    expect(template('log-triage').policy.tasks.root_cause?.local).toBe(false)
    expect(template('support-tickets').policy.tasks.draft_reply?.local).toBe(false)
  })

  it('keep tickets with payment and identity numbers on this machine, and mask the rest', () => {
    const { privacy } = template('support-tickets').policy
    expect(privacy.localOnly.detect).toEqual(['card', 'iban', 'national_id', 'birth_date'])
    expect(privacy.redact).toEqual(expect.arrayContaining(['email', 'phone', 'address', 'name']))
  })
})
