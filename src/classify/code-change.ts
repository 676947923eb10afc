/** Whether a text asks for a change of code. Pure; reads the instruction, not the material. */
import { remembered } from './remembered.ts'

/** An instruction stands in the first or last lines of a prompt; a build log between them asks for nothing. */
const INSTRUCTION_LINES = 6

const VERB =
  '(?:write|generate|implement|create|add|fix|patch|refactor|rewrite|change|modify|update|edit|rename|remove|replace|port|convert|extend|correct|repair|optimi[sz]e|simplify|clean up)'
const POLITE = '(?:please |kindly |now |then |and |just |also )*'
const ASK = `(?:^|[.!?:;,\\n]\\s*|\\b(?:can|could|would|will) you |\\b(?:you should|i need you to|i want you to|help me(?: to)?|let'?s|go ahead and) |\\band )${POLITE}`
const CODE =
  '(?:functions?|methods?|class(?:es)?|modules?|scripts?|unit tests?|tests? (?:for|file|case)|code|codebase|patch|diff|source|components?|endpoints?|handlers?|middleware|hooks?|parsers?|regex(?:es)?|sql|quer(?:y|ies)|dockerfile|makefile|workflow|pipeline|imports?|interfaces?|types?|bugs?|typos? in|null check|type errors?|compile errors?|linter? errors?|failing tests?|program|cli|api|implementation|algorithm|loops?|variables?|return type|config file|package\\.json|[\\w/-]+\\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|cs|cpp|cc|c|h|hpp|rb|php|swift|sh|ya?ml|toml|json|sql|vue|tf))\\b'

/** What is written when it is not code: `write a summary of this function` asks for prose. */
const PROSE =
  '(?:summary|summari[sz]e|explanation|description|commit message|release notes?|changelog|documentation|docs|e-?mail|report|review|comment|answer|sentence|reply|list|overview|label|title|story|poem|essay|question)'

const REQUESTS = [
  new RegExp(`${ASK}${VERB}\\b(?!(?: \\w+){0,3} ${PROSE}\\b)(?:[ \\t]+[\\w'"\`+#./-]+){0,6}?[ \\t]+\`?${CODE}`, 'im'),
  new RegExp(
    `${ASK}(?:refactor|implement|debug and fix)\\b(?! ${PROSE})[ \\t]+(?:this|the|a|an|it|these|my|our)\\b`,
    'im',
  ),
  new RegExp(
    `${ASK}(?:apply|write|produce|propose|generate|give me|send|return|output|make|create|prepare|suggest|open) (?:\\w+ ){0,3}?(?:patch|diff|pull request|code change|code fix|fix for)\\b`,
    'im',
  ),
  new RegExp(
    `${ASK}(?:fix|patch|correct|repair) (?:this|it|that|the (?:\\w+ ){0,2}(?:bug|error|failure|issue|crash|build|tests?|problem))\\b`,
    'im',
  ),
  /\b(?:make (?:the|this|these) (?:\w+ ){0,2}tests? pass|so that (?:the|this) (?:\w+ ){0,2}(?:tests? pass|builds?|compiles?))\b/i,
  /(?:^|[.!?:;,\n]\s*|\bbitte )(?:bitte )?(?:behebe|korrigiere|refaktoriere|implementiere|programmiere|ändere|schreibe|erzeuge) (?:\S+ ){0,4}?(?:funktion|methode|klasse|code|patch|diff|test|tests|skript|fehler im code|modul)\b/i,
]

/** Lines that tools print, not people: log levels, stack frames, file positions, progress. */
const TOOL_LINE =
  /^\s*(?:\[?\d{1,4}[-:/.%]|\[?(?:info|warn(?:ing)?|error|debug|fatal|trace)\b[\]:]|npm (?:err|error|warn)|at \S+|File "|E\s{2,}|#\d+ |[✓✔✗✖▸>$│|+-] ?|\S+:\d+:\d+|error(?:\[\w+\])?:|warning:|failed|fail:|hint:|note:|help:|remote:|go: |cargo |make(?:\[\d+\])?:|==|--|\[\s*\d+%|Task :|Compiling |Downloading |Collecting )/i

/** Takes the last user message. */
export const asksForCodeChange: (text: string) => boolean = remembered((text) => {
  const asked = instructionLines(text)
  return REQUESTS.some((request) => request.test(asked))
})

/** The first and last lines that people could have written; each cut, so that a minified file cannot cost time. */
function instructionLines(text: string): string {
  const lines = withoutFences(text.split('\n')).filter(
    (line) => line.trim() !== '' && !TOOL_LINE.test(line.slice(0, 80)),
  )
  const kept =
    lines.length <= 2 * INSTRUCTION_LINES
      ? lines
      : [...lines.slice(0, INSTRUCTION_LINES), ...lines.slice(-INSTRUCTION_LINES)]
  return kept.map((line) => (line.length <= 800 ? line : `${line.slice(0, 400)}\n${line.slice(-400)}`)).join('\n')
}

function withoutFences(lines: readonly string[]): readonly string[] {
  let inside = false
  return lines.filter((line) => {
    const isFence = /^\s*(?:```|~~~|<\/?(?:log|code|file|document|diff)>)/.test(line)
    if (isFence) inside = !inside
    return !isFence && !inside
  })
}
