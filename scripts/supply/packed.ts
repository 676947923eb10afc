/** What may be in the package. Pure. */

/** A path must match one of these; a new kind of file is added on purpose. */
const EXPECTED: readonly RegExp[] = [
  /^(?:package|schema)\.json$/,
  /^(?:README|CHANGELOG|SECURITY)\.md$|^LICENSE$/,
  /^dist\/[\w/.-]+\.(?:js|d\.ts)$/,
  /^dist\/sbom(?:-engine)?\.json$/,
  /^docs\/[\w/.-]+\.md$/,
  /^engine\/package-lock\.json$/,
  /^man\/spillway\.1$/,
  /^templates\/[\w-]+\.yaml$/,
  /^templates\/heads\/[\w-]+\.jsonl$/,
  /^examples\/logs\/[\w.-]+\.(?:log|json)$/,
  /^examples\/daemon\/[\w-]+\.(?:mjs|jsonl|yaml)$/,
]
/** Never, even where a pattern above would let it in. */
const NEVER = /(?:^|\/)(?:test|tests|data|node_modules)\/|\.test\.|\.env|\.(?:pem|key|gguf|sqlite|journal)$/
/** The package cannot do without them. */
const NEEDED: readonly string[] = [
  'LICENSE',
  'dist/index.js',
  'dist/cli/main.js',
  'dist/sbom.json',
  'dist/sbom-engine.json',
  'schema.json',
  'engine/package-lock.json',
  'templates/agent.yaml',
  'templates/developer.yaml',
  'templates/roles.yaml',
  'templates/tour.yaml',
]

export function pathProblems(paths: readonly string[]): readonly string[] {
  const extra = paths.filter((path) => NEVER.test(path) || !EXPECTED.some((pattern) => pattern.test(path)))
  const missing = NEEDED.filter((path) => !paths.includes(path))
  return [...extra.map((path) => `the package holds ${path}`), ...missing.map((path) => `the package lacks ${path}`)]
}

/** A log of an invented build machine belongs to the examples. */
const HOME = /(?:\/home\/|\/Users\/|\/root\/|[A-Z]:\\+Users\\+)(?!ci\b|you\b)[\w.-]+/
/** Keys by the forms of their issuers, long enough to be real, and private keys. */
const KEY =
  /\b(?:sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}|gh[pousr]_[A-Za-z0-9]{36}|npm_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abp]-[\w-]{20,})\b|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/

/**
 * @param here folders of this machine whose names must not be in the package
 */
export function contentProblems(path: string, text: string, here: readonly string[]): readonly string[] {
  const home = HOME.exec(text)?.[0]
  return [
    ...here.filter((folder) => text.includes(folder)).map(() => `${path} names a folder of this machine`),
    ...(home === undefined ? [] : [`${path} names the home folder ${home}`]),
    // The finding itself is not repeated: it would stand in a log then.
    ...(KEY.test(text) ? [`${path} holds what looks like a key`] : []),
  ]
}
