/** Programs named as real clients, that read their settings as those do and ask through the official SDKs. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OPENAI = import.meta.resolve('openai')
const ANTHROPIC = import.meta.resolve('@anthropic-ai/sdk')
const YAML = import.meta.resolve('yaml')

const SAY = 'const say = (text) => process.stdout.write(JSON.stringify(text) + "\\n")'

/** Claude Code: `env` of `--settings` wins over the environment, and both a key and a token are sent. */
const CLAUDE = `
import { readFileSync } from 'node:fs'
import Anthropic from '${ANTHROPIC}'
${SAY}
const at = process.argv.indexOf('--settings')
const settings = at < 0 ? {} : JSON.parse(readFileSync(process.argv[at + 1], 'utf8')).env
const env = { ...process.env, ...settings }
const words = process.argv.slice(2).filter((_, index) => at < 0 || index < at - 2 || index > at - 1)
if (env.CLAUDE_CODE_USE_BEDROCK) throw new Error('asks Bedrock')
const client = new Anthropic({ baseURL: env.ANTHROPIC_BASE_URL, authToken: env.ANTHROPIC_AUTH_TOKEN, apiKey: env.ANTHROPIC_API_KEY || null, maxRetries: 0 })
const answer = await client.messages.create({ model: env.ANTHROPIC_MODEL, max_tokens: 50, messages: [{ role: 'user', content: words.join(' ') }] })
say({ text: answer.content[0].text, words, cleared: process.env.ANTHROPIC_API_KEY === undefined })
`

/** Codex: \`-c\` gives the provider, the provider the variable of the key; it asks for Responses. */
const CODEX = `
import OpenAI from '${OPENAI}'
${SAY}
const config = {}
const words = []
for (let at = 2; at < process.argv.length; at += 1) {
  if (process.argv[at] !== '-c') words.push(process.argv[at])
  else {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(process.argv[(at += 1)])
    config[key] = JSON.parse(value)
  }
}
const provider = (name) => config['model_providers.' + config.model_provider + '.' + name]
if (provider('wire_api') !== 'responses') throw new Error('speaks Responses only')
const client = new OpenAI({ baseURL: provider('base_url'), apiKey: process.env[provider('env_key')], maxRetries: 0 })
const answer = await client.responses.create({ model: config.model, input: words.join(' ') })
say({ text: answer.output_text, words })
`

/** aider: options over variables. */
const AIDER = `
import OpenAI from '${OPENAI}'
${SAY}
const option = (name) => process.argv[process.argv.indexOf(name) + 1]
const client = new OpenAI({ baseURL: option('--openai-api-base'), apiKey: process.env.AIDER_OPENAI_API_KEY, maxRetries: 0 })
const model = option('--model').replace(/^openai\\//, '')
const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: option('--message') }] })
say({ text: answer.choices[0].message.content })
`

const OPENCODE = `
import OpenAI from '${OPENAI}'
${SAY}
const config = JSON.parse(process.env.OPENCODE_CONFIG_CONTENT)
const [provider, model] = config.model.split('/')
const { baseURL, apiKey } = config.provider[provider].options
const key = apiKey.replace(/\\{env:(\\w+)\\}/, (_, name) => process.env[name])
const client = new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })
const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: process.argv[2] }] })
say({ text: answer.choices[0].message.content, theme: config.theme })
`

const CONTINUE = `
import { readFileSync } from 'node:fs'
import OpenAI from '${OPENAI}'
import { parse } from '${YAML}'
${SAY}
const [model] = parse(readFileSync(process.argv[process.argv.indexOf('--config') + 1], 'utf8')).models
const key = model.apiKey.replace(/\\$\\{\\{ secrets\\.(\\w+) \\}\\}/, (_, name) => process.env[name])
const client = new OpenAI({ baseURL: model.apiBase, apiKey: key, maxRetries: 0 })
const answer = await client.chat.completions.create({ model: model.model, messages: [{ role: 'user', content: process.argv.at(-1) }] })
say({ text: answer.choices[0].message.content })
`

/** Any program: both SDKs as they come, with nothing but the environment. */
const ANY = `
import Anthropic from '${ANTHROPIC}'
import OpenAI from '${OPENAI}'
${SAY}
const [chat, message] = await Promise.all([
  new OpenAI().chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'one' }] }),
  new Anthropic().messages.create({ model: 'auto', max_tokens: 50, messages: [{ role: 'user', content: 'two' }] }),
])
say({ openai: chat.choices[0].message.content, anthropic: message.content[0].text })
`

/** Waits for a signal, or ends with the code that it is given. */
const WAITER = `
process.on('SIGTERM', () => { process.stdout.write('told\\n'); process.exit(43) })
if (process.argv[2]) process.exit(Number(process.argv[2]))
process.stdout.write('ready ' + process.env.SPILLWAY_URL + '\\n')
setInterval(() => {}, 1000)
`

const PROGRAMS = {
  claude: CLAUDE,
  codex: CODEX,
  aider: AIDER,
  opencode: OPENCODE,
  cn: CONTINUE,
  any: ANY,
  waiter: WAITER,
}

/** Writes them into a folder for the PATH. */
export function fakeClients(folder: string): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, code] of Object.entries(PROGRAMS)) {
    const script = join(folder, `${name}.mjs`)
    writeFileSync(script, code)
    const program = join(folder, name)
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`)
    chmodSync(program, 0o755)
  }
  return folder
}
