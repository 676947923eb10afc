/** What stands in help beside the options: the group of each command, and an example of each. Loaded when help is asked for. */
import { type Command, Help } from 'commander'

/** In the order of the help text. Every command is in one group. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'First steps:': ['start', 'ask', 'serve', 'launch', 'tour', 'init', 'doctor'],
  'Requests, and why they went where they went:': [
    ...['route', 'why', 'solve', 'batch', 'audit', 'feedback', 'review'],
    ...['top', 'dashboard', 'mcp'],
  ],
  'Models of this machine:': ['engine', 'models', 'bundle', 'fits', 'babysit'],
  'Money, quality and rollout:': ['cost', 'metrics', 'eval', 'replay', 'rollout', 'kill', 'policy', 'keys'],
  'Learning from answers:': ['calibrate', 'heads', 'prior', 'learn', 'lab', 'tasks'],
  'This installation:': ['service', 'store', 'completions', 'uninstall', 'help'],
}

/** By the path of a command: command lines that work as they stand, `spillway` left out. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  ask: [
    'ask "What is 15% of 80?"',
    'ask --task classify_issue --json - < issue.txt',
    'ask --labels build,test "ld: symbol not found"',
  ],
  start: ['start', 'start --no-test --port 0'],
  launch: ['launch claude', 'launch --print codex', 'launch -- node agent.mjs'],
  top: ['top', 'top --since 15m --every 5s'],
  dashboard: ['dashboard'],
  mcp: ['mcp'],
  'mcp proxy': ['mcp proxy -- npx some-tool-server'],
  'service install': ['service install', 'service install --print'],
  'service status': ['service status'],
  'service upgrade': ['service upgrade'],
  'service rollback': ['service rollback'],
  'service uninstall': ['service uninstall'],
  'doctor client': ['doctor client claude'],
  'policy import': ['policy import litellm.yaml --out spillway.yaml'],
  route: ['route "Delete the backups of last week"'],
  why: ['why 01a2009f-e410-7032-8237-84be22556d5e'],
  serve: ['serve', 'serve --policy spillway.yaml --host 0.0.0.0 --port 8787'],
  tour: ['tour'],
  init: ['init', 'init --template developer ~/.config/spillway/spillway.yaml'],
  'policy check': ['policy check spillway.yaml'],
  'policy show': ['policy show'],
  'policy schema': ['policy schema > schema.json'],
  'policy diff': ['policy diff spillway.yaml new.yaml --since 7d'],
  'policy override set': ['policy override set triage route frontier --for 2h --why "wrong labels since noon"'],
  'policy override clear': ['policy override clear triage route --why "mended"'],
  'policy override list': ['policy override list'],
  doctor: ['doctor', 'doctor --network --json'],
  'engine install': ['engine install'],
  'engine status': ['engine status'],
  'engine stop': ['engine stop'],
  'models list': ['models list', 'models list --workload coding --fits'],
  'models add': ['models add --scan', 'models add ~/models/qwen3-4b-q4_k_m.gguf --name qwen3-4b'],
  'models remove': ['models remove qwen3-4b'],
  'models pull': ['models pull smollm2-135m-instruct', 'models pull hf:OWNER/REPOSITORY/FILE.gguf --name mine'],
  'models ps': ['models ps'],
  'models servers': ['models servers'],
  'models load': ['models load small'],
  'models unload': ['models unload small'],
  'bundle create': ['bundle create spillway.tar --model smollm2-135m-instruct --engine'],
  'bundle install': ['bundle install spillway.tar'],
  fits: ['fits smollm2-135m-instruct', 'fits 4000 --before-load'],
  babysit: ['babysit --target-free-mb 2000', 'babysit --target-free-mb 2000 --once'],
  'audit tail': ['audit tail --since 1h', 'audit tail --reason confidence_low --limit 5'],
  'audit show': ['audit show 01a2009f-e410-7032-8237-84be22556d5e', 'audit show --since 24h --latency'],
  'audit export': ['audit export --since 30d --out records.jsonl', 'audit export --usage'],
  'audit egress': ['audit egress --since 7d', 'audit egress --prove local_only'],
  'audit verify': ['audit verify'],
  'audit anchor': ['audit anchor > anchors.txt'],
  'audit content': ['audit content 01a2009f-e410-7032-8237-84be22556d5e'],
  'audit events': ['audit events --since 7d'],
  'audit import': ['audit import litellm.jsonl --format litellm'],
  eval: ['eval questions.jsonl --task triage', 'eval questions.jsonl --out results --resume'],
  'eval export': ['eval export --task triage --out rows.jsonl'],
  replay: ['replay --policy new.yaml --since 7d'],
  metrics: ['metrics --since 24h --task triage'],
  'cost summary': ['cost summary --since 30d --by task', 'cost summary --baseline far'],
  'cost plan': ['cost plan --preset busy', 'cost plan --requests-per-day 5000 --price 3 --mix 50,20,30'],
  'cost reconcile': ['cost reconcile'],
  'rollout status': ['rollout status', 'rollout status triage'],
  'rollout promote': ['rollout promote triage --to canary --percent 10 --why "bars hold"'],
  'rollout rollback': ['rollout rollback triage --why "wrong labels since noon"'],
  'rollout candidate start': ['rollout candidate start triage --prompt shorter.yaml --why "shorter prompt"'],
  'rollout candidate report': ['rollout candidate report triage'],
  'rollout candidate promote': ['rollout candidate promote triage --why "no worse, half the time"'],
  'rollout candidate discard': ['rollout candidate discard triage --why "worse"'],
  kill: ['kill status', 'kill frontier_only --task triage --reason "wrong labels"', 'kill off --task triage'],
  'keys create': ['keys create ci --tasks triage --budget-day 2 --rate 60 --expires 90d'],
  'keys list': ['keys list'],
  'keys revoke': ['keys revoke key_01JABC'],
  'keys rotate': ['keys rotate key_01JABC --grace 24h'],
  'batch run': ['batch run requests.jsonl --out answers.jsonl --task triage'],
  solve: ['solve "3 feet in cm"', 'solve --steps "(17 * 3) / 4"'],
  feedback: [
    'feedback 01a2009f-e410-7032-8237-84be22556d5e --wrong',
    'feedback 01a2009f-e410-7032-8237-84be22556d5e --value infra --source gold',
  ],
  'review queue': ['review queue --since 7d --limit 20'],
  'review label': ['review label 01a2009f-e410-7032-8237-84be22556d5e accept'],
  'review agreement': ['review agreement --since 30d'],
  'review held list': ['review held list'],
  'review held show': ['review held show 01a2009f-e410-7032-8237-84be22556d5e'],
  'review held answer': ['review held answer 01a2009f-e410-7032-8237-84be22556d5e --text "No." --why "by policy"'],
  'review held release': [
    'review held release 01a2009f-e410-7032-8237-84be22556d5e --to frontier --why "no personal data"',
  ],
  'review held refuse': ['review held refuse 01a2009f-e410-7032-8237-84be22556d5e --why "out of scope"'],
  calibrate: ['calibrate triage --dry-run', 'calibrate triage'],
  'heads fit': ['heads fit triage'],
  'heads list': ['heads list'],
  'heads forget': ['heads forget triage'],
  'prior fit': ['prior fit triage --dry-run'],
  learn: ['learn', 'learn --every 6h'],
  'lab fit': ['lab fit answers.jsonl --local small --frontier big --method "answer length" --out fit.json'],
  'lab score': ['lab score answers.jsonl --local small --frontier big --model fit.json'],
  'lab table': ['lab table --data recordings'],
  'lab bound': ['lab bound answers.jsonl --local small --frontier big --model fit.json --alpha 0.05'],
  'lab cascade': ['lab cascade answers.jsonl --min-quality 0.9'],
  'tasks discover': ['tasks discover --from litellm.jsonl --format litellm'],
  'tasks suggest': ['tasks suggest questions.jsonl'],
  'store status': ['store status'],
  'store copy': ['store copy'],
  'store backup': ['store backup monday.tar'],
  'store restore': ['store restore monday.tar'],
  'store purge': ['store purge --older-than 90d --dry-run'],
  completions: [
    'completions bash > ~/.local/share/bash-completion/completions/spillway',
    'completions zsh > ~/.zfunc/_spillway',
    'completions fish > ~/.config/fish/completions/spillway.fish',
    'completions powershell >> $PROFILE',
  ],
  uninstall: ['uninstall', 'uninstall --yes'],
}

/** Puts every command into its group, and an example below the options of each. */
export function addHelpTexts(program: Command): void {
  const groupOf = (command: Command): string | undefined =>
    Object.keys(GROUPS).find((heading) => GROUPS[heading]?.includes(command.name()))
  program.addHelpCommand(program.createCommand('help').argument('[command]').description('display help for command'))
  const order = Object.values(GROUPS).flat()
  program.configureHelp({
    visibleCommands(command) {
      const shown = Help.prototype.visibleCommands.call(this, command)
      if (command !== program) return shown
      for (const one of shown) one.helpGroup(groupOf(one) ?? 'Commands:')
      return shown.toSorted((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()))
    },
  })
  addExamples(program, '')
}

function addExamples(command: Command, path: string): void {
  // A group of commands shows an example of each, so that nobody has to look twice.
  const own =
    EXAMPLES[path] ?? command.commands.flatMap((child) => EXAMPLES[`${path} ${child.name()}`.trim()]?.[0] ?? [])
  if (path !== '' && own.length > 0) {
    const heading = own.length === 1 ? 'Example:' : 'Examples:'
    command.addHelpText('after', `\n${[heading, ...own.map((line) => `  spillway ${line}`)].join('\n')}`)
  }
  for (const child of command.commands) addExamples(child, `${path} ${child.name()}`.trim())
}
