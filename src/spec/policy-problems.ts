/** What a schema cannot say: references between parts of a policy. Pure. */
import { TIERS } from './decision.ts'
import { isPassedOn, onThisMachine } from './destination.ts'
import { addressesOf } from './lanes.ts'
import type { ModelPolicy, Policy, TaskPolicy } from './policy.ts'
import { secondOpinionProblems } from './policy-gate-problems.ts'
import { patternProblems } from './policy-pattern-problems.ts'
import type { PolicyProblem } from './policy-problem.ts'
import { verifyProblems } from './policy-verify-problems.ts'
import { PRESETS } from './presets.ts'
import { closest } from './suggest.ts'

/** @returns every contradiction, in file order; empty for a sound policy */
export function policyProblems(policy: Policy): readonly PolicyProblem[] {
  return [
    ...Object.keys(policy.models).flatMap((name) => modelProblems(name, policy)),
    ...Object.entries(policy.tasks).flatMap(([name, task]) => [
      ...slotProblems(name, task, policy),
      ...promptProblems(name, task, policy),
      ...kindProblems(name, task),
      ...packProblems(name, task),
      ...secondOpinionProblems(name, task, policy),
      ...noveltyProblems(name, task),
      ...verifyProblems(name, task),
      ...patternProblems(name, task, policy),
    ]),
    ...defaultProblems(policy),
    ...networkProblems(policy),
    ...webhookProblems(policy),
    ...samplingProblems(policy),
  ]
}

function samplingProblems({ mcp: { sampling }, tasks }: Policy): readonly PolicyProblem[] {
  const { task } = sampling
  if (task === undefined || task in tasks) return []
  const near = closest(task, Object.keys(tasks))
  return [
    {
      path: ['mcp', 'sampling', 'task'],
      problem: `there is no task ${task}`,
      fix: near ? `Did you mean ${near}?` : 'Name a task of the policy, or remove it.',
    },
  ]
}

/** What is told there is nobody else's business, and a signature keeps nothing secret. */
function webhookProblems({ review: { webhook } }: Policy): readonly PolicyProblem[] {
  if (!webhook || /^https:/i.test(webhook.url) || webhook.privateNetwork || onThisMachine(webhook.url)) return []
  return [
    {
      path: ['review', 'webhook', 'url'],
      problem: 'it is not reached over https',
      fix: 'Write an https url, or privateNetwork: true for a network of your own.',
    },
  ]
}

function modelProblems(name: string, policy: Policy): readonly PolicyProblem[] {
  const model = policy.models[name]
  if (!model) return []
  const path = ['models', name]
  const local = model.tier !== 'frontier'
  if (model.preset && !(model.preset in PRESETS))
    return [
      {
        path: [...path, 'preset'],
        problem: `there is no preset ${model.preset}`,
        fix: `Known: ${Object.keys(PRESETS).join(', ')}.`,
      },
    ]
  if (model.batch && (local || !['openai', 'anthropic'].includes(model.provider)))
    return [
      {
        path: [...path, 'batch'],
        problem: 'only frontiers of the providers openai and anthropic have one here',
        fix: 'Remove it.',
      },
    ]
  if (model.provider === 'embedded' && model.regions.length > 0)
    return [
      {
        path: [...path, 'regions'],
        problem: 'an embedded model is on this machine and nowhere else',
        fix: 'Remove it.',
      },
    ]
  if (model.provider === 'embedded' && !local)
    return [
      {
        path: [...path, 'tier'],
        problem: 'an embedded model is not a frontier',
        fix: 'Use tier local_fast or local_quality.',
      },
    ]
  if (model.tls !== undefined && (model.provider === 'embedded' || plainAddress(model)))
    return [
      {
        path: [...path, 'tls'],
        problem: 'the model is not reached over https',
        fix: 'Write an https baseUrl, or remove it.',
      },
    ]
  if (model.can.length > 0 && (!local || model.provider === 'embedded'))
    return [
      {
        path: [...path, 'can'],
        problem: local ? 'what an embedded model can do is read from its file' : 'what a frontier can do is not asked',
        fix: 'Remove it.',
      },
    ]
  if (model.provider === 'mcp-client') return clientProblems(path, model)
  const isHere = addressesOf(model).every(({ baseUrl }) => onThisMachine(baseUrl))
  if (model.provider === 'azure' && model.baseUrl === undefined)
    return [
      {
        path: [...path, 'baseUrl'],
        problem: 'an azure model needs the address of its resource',
        fix: 'Write baseUrl, for example https://name.openai.azure.com.',
      },
    ]
  if (model.provider === 'ai-sdk' || model.sdk !== undefined) {
    const problem = sdkProblem(path, model)
    if (problem) return [problem]
  }
  if (model.provider !== 'azure' && model.apiVersion !== undefined)
    return [{ path: [...path, 'apiVersion'], problem: 'only azure models have one', fix: 'Remove it.' }]
  if (REMOTE_PROVIDERS.has(model.provider) && local && !isHere)
    return [{ path: [...path, 'tier'], problem: 'this model is not on this machine', fix: 'Use tier frontier.' }]
  if (model.provider === 'openai' && !model.baseUrl && local)
    return [
      {
        path: [...path, 'baseUrl'],
        problem: 'a local server needs an address',
        fix: 'Write baseUrl, for example http://127.0.0.1:8080/v1.',
      },
    ]
  // What a plugin dials is its own business; an address that stands here is not.
  if (model.provider === 'plugin' && model.baseUrl === undefined) return []
  if (local && model.provider !== 'embedded') return destinationProblems(path, model)
  return []
}

/** Whoever runs us has the address and the key. */
function clientProblems(path: readonly string[], model: ModelPolicy): readonly PolicyProblem[] {
  if (model.tier !== 'frontier')
    return [
      {
        path: [...path, 'tier'],
        problem: 'the model of an MCP client is not on this machine as far as anybody knows',
        fix: 'Use tier frontier.',
      },
    ]
  const own = (['baseUrl', 'apiKey'] as const).find((key) => model[key] !== undefined)
  if (own === undefined) return []
  return [
    { path: [...path, own], problem: 'the model of an MCP client is reached through that client', fix: 'Remove it.' },
  ]
}

/** Those whose local tier would be a mistake unless they are played on this machine. */
const REMOTE_PROVIDERS: ReadonlySet<string> = new Set(['anthropic', 'azure', 'ai-sdk'])

function sdkProblem(path: readonly string[], { provider, sdk, baseUrl, apiKey }: ModelPolicy): PolicyProblem | null {
  const at = [...path, 'sdk']
  if (provider !== 'ai-sdk') return { path: at, problem: 'only ai-sdk models have one', fix: 'Remove it.' }
  if (baseUrl === undefined) {
    const fix = 'Write baseUrl, the address that the package sends to.'
    return { path: [...path, 'baseUrl'], problem: 'an ai-sdk model needs an address: where its text goes', fix }
  }
  // Then the program gives the model itself, with its key.
  if (!sdk) return null
  // Without a key it fetches a token by itself, through no door of ours.
  if (sdk.package === '@ai-sdk/google-vertex' && apiKey === undefined)
    return {
      path: [...path, 'apiKey'],
      problem: 'Vertex needs an API key',
      fix: 'Write apiKey: "${env:GOOGLE_VERTEX_API_KEY}".',
    }
  const secret = Object.keys(sdk.options).find((name) => /key|secret|token|password|credential/i.test(name))
  if (secret === undefined) return null
  const fix = 'Use apiKey, or the variables that the package reads by itself.'
  return { path: [...at, 'options', secret], problem: 'a credential may not stand in the policy', fix }
}

function plainAddress(model: ModelPolicy): boolean {
  return addressesOf(model).some(({ baseUrl }) => baseUrl?.startsWith('http:') === true)
}

/** A local tier promises that nothing leaves this machine. */
function destinationProblems(path: readonly string[], model: ModelPolicy): readonly PolicyProblem[] {
  const tier = [...path, 'tier']
  const elsewhere = addressesOf(model).find(({ baseUrl }) => !onThisMachine(baseUrl))
  if (elsewhere)
    return [
      {
        path: tier,
        problem: `${elsewhere.baseUrl} is not on this machine, so the model is not local`,
        fix: 'Use tier frontier, or a loopback address.',
      },
    ]
  if (isPassedOn(model.model))
    return [
      {
        path: tier,
        problem: `${model.model} runs on machines of its provider, so the model is not local`,
        fix: 'Use tier frontier, or a model without cloud in its tag.',
      },
    ]
  if (model.preset !== undefined && PRESETS[model.preset]?.passesOn === true)
    return [
      {
        path: tier,
        problem: `${model.preset} passes requests on to other machines, so the model is not local`,
        fix: 'Use tier frontier, or name the local server itself.',
      },
    ]
  return []
}

function slotProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const known = [...Object.keys(policy.models), ...TIERS]
  return (['local', 'frontier'] as const).flatMap((slot) => {
    const entries = task[slot]
    if (entries === undefined || entries === false) return []
    return entries.flatMap((entry) => {
      const path = ['tasks', name, slot]
      if (!known.includes(entry)) {
        const near = closest(entry, known)
        return [
          {
            path,
            problem: `there is no model or tier ${entry}`,
            fix: near ? `Did you mean ${near}?` : `Known: ${known.join(', ')}.`,
          },
        ]
      }
      const isFrontier = (policy.models[entry]?.tier ?? entry) === 'frontier'
      if (isFrontier === (slot === 'frontier')) return []
      return [
        {
          path,
          problem: `${entry} is ${isFrontier ? 'a frontier' : 'a local'} model`,
          fix: `Name it under ${isFrontier ? 'frontier' : 'local'}.`,
        },
      ]
    })
  })
}

function promptProblems(name: string, task: TaskPolicy, policy: Policy): readonly PolicyProblem[] {
  const path = ['tasks', name]
  const known = Object.keys(policy.models)
  const stray = Object.keys(task.prompt.byModel).find((model) => !known.includes(model))
  if (stray !== undefined)
    return [
      {
        path: [...path, 'prompt', 'byModel', stray],
        problem: `there is no model ${stray}`,
        fix: `Known: ${known.join(', ') || 'none'}.`,
      },
    ]
  if (task.adapter && !Object.values(policy.models).some(({ provider }) => provider === 'embedded'))
    return [
      {
        path: [...path, 'adapter'],
        problem: 'only an embedded model takes an adapter, and the policy has none',
        fix: 'Remove adapter, or add a model with provider embedded.',
      },
    ]
  return []
}

/** An answer that shared its prompt has no signals of its own: gates that need some would send every row on. */
function packProblems(name: string, { kind, batch, gates, schema }: TaskPolicy): readonly PolicyProblem[] {
  if (batch.pack === 1) return []
  const path = ['tasks', name, 'batch', 'pack']
  if (!['text', 'answer', 'code'].includes(kind) || schema)
    return [
      {
        path,
        problem: 'only answers in plain text can share a prompt',
        fix: 'Remove it, or set kind: text without schema.',
      },
    ]
  if (gates.entropyNats === null) return []
  const fix = 'Set gates.entropyNats: null, and check answers by verify, quality or a judge.'
  return [{ path, problem: 'answers that share a prompt have no entropy, so gates.entropyNats rejects them all', fix }]
}

function kindProblems(name: string, task: TaskPolicy): readonly PolicyProblem[] {
  const path = ['tasks', name]
  if (task.kind === 'choice' && !task.labels)
    return [{ path, problem: 'kind choice needs labels', fix: 'Add labels: [a, b, …].' }]
  if (task.kind === 'score' && !task.range)
    return [{ path, problem: 'kind score needs range', fix: 'Add range: { min: 1, max: 5 }.' }]
  if (task.range && (task.range.max <= task.range.min || task.range.max - task.range.min > 20))
    return [
      {
        path: [...path, 'range'],
        problem: 'the range must grow and hold at most 21 values',
        fix: 'Choose min < max, at most 20 apart.',
      },
    ]
  if (new Set(task.labels).size !== (task.labels?.length ?? 0))
    return [{ path: [...path, 'labels'], problem: 'a label stands twice', fix: 'Name each label once.' }]
  if (task.head && !['choice', 'boolean', 'similarity'].includes(task.kind)) {
    const fix = 'Use kind choice, boolean or similarity.'
    return [{ path: [...path, 'head'], problem: `kind ${task.kind} takes no head`, fix }]
  }
  const stray = task.escalateLabels.find((label) => !optionsOf(task)?.includes(label))
  if (stray !== undefined)
    return [
      {
        path: [...path, 'escalateLabels'],
        problem: `${stray} is not a label of the task`,
        fix: `Labels: ${optionsOf(task)?.join(', ') ?? 'none'}.`,
      },
    ]
  if (task.render !== undefined && !task.render.includes('{value}'))
    return [
      { path: [...path, 'render'], problem: 'render lacks {value}', fix: 'Put {value} where the option belongs.' },
    ]
  return []
}

/** The closed set of answers of a typed task; null for open kinds. */
export function optionsOf(task: TaskPolicy): readonly string[] | null {
  if (task.kind === 'choice') return task.labels ?? null
  if (task.kind === 'boolean') return ['yes', 'no']
  if (task.kind !== 'score' || !task.range) return null
  const { min, max } = task.range
  return Array.from({ length: max - min + 1 }, (_, index) => String(min + index))
}

function defaultProblems(policy: Policy): readonly PolicyProblem[] {
  const name = policy.defaults.task
  if (name === undefined || name in policy.tasks) return []
  const near = closest(name, Object.keys(policy.tasks))
  return [
    {
      path: ['defaults', 'task'],
      problem: `there is no task ${name}`,
      fix: near ? `Did you mean ${near}?` : 'Name a task of this policy.',
    },
  ]
}

/** A variable keeps a password out of the file, its digest and what shows them. */
function networkProblems({ network }: Policy): readonly PolicyProblem[] {
  const path = ['network', 'proxy']
  const { proxy } = network
  if (proxy === 'none' || proxy === 'environment' || new URL(proxy).username === '') return []
  const fix = 'Write proxy: environment, and set HTTPS_PROXY.'
  return [{ path, problem: 'a user or password may not stand in the policy', fix }]
}

/** What is novel is known by what was kept. */
function noveltyProblems(name: string, { novel, learn }: TaskPolicy): readonly PolicyProblem[] {
  const path = ['tasks', name, 'novel']
  if (!novel) return []
  if (learn.keep !== 'text')
    return [{ path, problem: 'the task keeps no examples', fix: 'Set learn: { keep: text } in the task.' }]
  if (novel.minExamples <= learn.maxExamples) return []
  return [{ path, problem: 'learn.maxExamples is less than novel.minExamples', fix: 'Keep more, or ask for fewer.' }]
}
