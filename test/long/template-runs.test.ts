/** Every template that `init` offers, as it is written, with the real local model and a simulated cloud. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { templateFile } from '../../src/cli/context.ts'
import { frontierBlock } from '../../src/cli/found-plan.ts'
import { INIT_TEMPLATES, type InitTemplate } from '../../src/cli/init-templates.ts'
import { policyText } from '../../src/cli/policy-text.ts'
import { createRouter } from '../../src/compose.ts'
import type { Outcome } from '../../src/spec/response.ts'
import type { Router } from '../../src/spec/router.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { type EngineHome, engineHome } from '../support/engine-home.ts'
import { json, type ScriptedCloud, startScriptedCloud } from '../support/scripted-cloud.ts'

const CLOUD_TEXT = 'The cloud says so.'

let home: EngineHome
let cloud: ScriptedCloud
const routers = new Map<InitTemplate, Router>()

beforeAll(async () => {
  home = engineHome()
  cloud = await startScriptedCloud()
  cloud.otherwise((request) =>
    json({
      id: 'c',
      object: 'chat.completion',
      model: 'gpt-6-luna',
      choices: [{ index: 0, message: { role: 'assistant', content: answerOf(request.text) }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    }),
  )
  for (const name of INIT_TEMPLATES) {
    const choice = { locals: [], frontiers: [frontierBlock('openai', cloud.openAiBaseUrl)] }
    const env = { OPENAI_API_KEY: 'simulated' }
    const policy = parsePolicy(policyText(readFileSync(templateFile(name), 'utf8'), choice), {
      file: `${name}.yaml`,
      env,
    })
    routers.set(
      name,
      createRouter({ policy, env, paths: { ...home.paths, stateDir: `${home.paths.stateDir}-${name}` } }),
    )
  }
})
afterAll(async () => {
  for (const router of routers.values()) await router.close()
  await home.close()
  await cloud.close()
})

/** The simulated cloud obeys a question with labels. */
function answerOf(request: string): string {
  if (request.includes('dependency')) return 'access'
  return request.includes('billing') ? 'complaint' : CLOUD_TEXT
}

function ask(name: InitTemplate, task: string, content: string): Promise<Outcome> {
  const router = routers.get(name)
  if (!router) throw new Error(`no router for ${name}`)
  return router.complete({ messages: [{ role: 'user', content }], metadata: { task } })
}

const LOG_401 = 'npm ERR! code E401\nnpm ERR! 401 Unauthorized - GET https://registry.example/left-pad'
const LOG_TEST = ' FAIL  src/sum.test.ts > adds\nAssertionError: expected 3 to be 4\n Test Files  1 failed | 3 passed'

describe('the template for', () => {
  it('logs labels on this machine, and never settles a refused login there', async () => {
    const outcome = await ask('log-triage', 'classify_log', LOG_TEST)
    expect(outcome.attempts[0]).toMatchObject({ model: 'small', actor: 'local', outcome: 'answered' })
    const refused = await ask('log-triage', 'classify_log', LOG_401)
    expect(refused).toMatchObject({ answer: 'access', decision: { route: 'frontier', reason: 'hard_stop_access' } })
    const cause = await ask('log-triage', 'root_cause', LOG_TEST)
    expect(cause).toMatchObject({ answer: CLOUD_TEXT, decision: { route: 'frontier' } })
  })

  it('tickets masks what leaves, keeps card numbers here, and stops at a break-in', async () => {
    const before = cloud.requests.length
    const reply = await ask('support-tickets', 'draft_reply', 'I am Ann, ann@example.org, and my parcel is late.')
    expect(reply.decision.route).toBe('frontier')
    expect(cloud.requests[before]?.text).not.toContain('ann@example.org')
    const card = await ask('support-tickets', 'route_ticket', 'You charged my card 4111 1111 1111 1111 twice.')
    expect(card.decision.route).toBe('local')
    expect(cloud.requests).toHaveLength(before + 1)
    const hacked = await ask('support-tickets', 'route_ticket', 'I was hacked, somebody changed my address.')
    expect(hacked.decision).toMatchObject({ route: 'frontier', reason: 'hard_stop_security' })
    const password = await ask('support-tickets', 'is_urgent', 'I forgot my password, wrong password again.')
    expect(password.hardStops).toEqual([])
  })

  it('documents gives words of the document', async () => {
    const document = 'The contract was signed by Maria Lopez on 3 May 2024. It ends after two years.'
    const router = routers.get('document-qa')
    const outcome = await router?.decide({ task: 'find_in_document', input: 'Who signed the contract?', document })
    const words = outcome?.answer ?? ''
    expect(outcome?.decision.route === 'frontier' || words === '' || document.includes(words)).toBe(true)
    expect(outcome?.attempts[0]).toMatchObject({ actor: 'local' })
  })

  it('private notes asks nobody else, whatever happens', async () => {
    const before = cloud.requests.length
    const outcomes = [
      await ask('private-notes', 'file_note', 'Paid the rent, 900 euros.'),
      await ask('private-notes', 'ask_notes', 'Delete the old files? My note says: keep until June. Until when?'),
      await ask(
        'private-notes',
        'summarize_note',
        'Met Ben. He will send the drawings on Friday. Password for the shed is 1234.',
      ),
    ]
    expect(outcomes.map(({ decision }) => decision.route)).toEqual(['local', 'local', 'local'])
    expect(outcomes.every(({ answer }) => answer !== null)).toBe(true)
    expect(cloud.requests).toHaveLength(before)
  })

  it.each([
    ['agent', 'answer_user_question', 'propose_code_change'],
    ['developer', 'quick_qa', 'complex_reasoning'],
    ['roles', 'summarise', 'plan'],
  ] as const)(
    '%s asks the local model first where it may, and the frontier alone where it must',
    async (name, local, frontier) => {
      const first = await ask(name, local, 'Which colour has the sky on a clear day?')
      expect(first.attempts[0]).toMatchObject({ actor: 'local', outcome: 'answered' })
      const second = await ask(name, frontier, 'How should a cache of three services be laid out?')
      expect(second).toMatchObject({ answer: CLOUD_TEXT, decision: { route: 'frontier' } })
    },
  )
})
