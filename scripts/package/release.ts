/** What must hold before a version may be published, as pure functions, and what to do then. */

export interface ReleaseFacts {
  readonly version: string
  readonly lockVersion: string
  /** The URL of the manifest's `repository`; null when there is none. */
  readonly repository: string | null
  /** Lines of `git status --porcelain`. */
  readonly changed: readonly string[]
  /** Names of git tags. */
  readonly tags: readonly string[]
  readonly changelog: string
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?$/

/** @returns one line for each thing that stands in the way, with what to do about it */
export function releaseProblems(facts: ReleaseFacts): readonly string[] {
  return [...treeProblems(facts), ...versionProblems(facts), ...changelogProblems(facts), ...provenanceProblems(facts)]
}

function treeProblems({ changed }: ReleaseFacts): readonly string[] {
  if (changed.length === 0) return []
  return [`${changed.length} files differ from the last commit (${changed[0]?.trim()}): commit them or put them away.`]
}

function versionProblems({ version, lockVersion, tags }: ReleaseFacts): readonly string[] {
  const problems: string[] = []
  if (!VERSION.test(version)) problems.push(`${version} is no version: write major.minor.patch into package.json.`)
  if (lockVersion !== version)
    problems.push(
      `package-lock.json says ${lockVersion}, package.json ${version}: run npm install --package-lock-only.`,
    )
  const newest = newestOf(tags)
  if (tags.includes(`v${version}`)) problems.push(`v${version} is tagged already: choose the next version.`)
  else if (newest !== undefined && compare(version, newest) < 0)
    problems.push(`${version} is older than ${newest}, which is tagged: choose a newer version.`)
  return problems
}

function changelogProblems({ changelog, version }: ReleaseFacts): readonly string[] {
  const section = sectionOf(changelog, version)
  const problems: string[] = []
  if (section === null)
    problems.push(`CHANGELOG.md has no section "## ${version} - YYYY-MM-DD": name the section of this version so.`)
  else if (section.trim() === '') problems.push(`The section of ${version} in CHANGELOG.md is empty: say what changed.`)
  const unreleased = sectionOf(changelog, 'Unreleased')
  if (unreleased !== null && /^- /m.test(unreleased))
    problems.push('CHANGELOG.md still lists changes as unreleased: move them into the section of this version.')
  return problems
}

/** npm refuses a provenance statement whose repository is not that of the manifest. */
function provenanceProblems({ repository }: ReleaseFacts): readonly string[] {
  if (repository?.startsWith('git+https://')) return []
  return ['package.json names no repository ("git+https://…"): a provenance statement is checked against it.']
}

/** @returns the text between a heading and the next one of its level; null when there is no such heading */
export function sectionOf(changelog: string, name: string): string | null {
  const dated = name === 'Unreleased' ? '' : ' - \\d{4}-\\d{2}-\\d{2}'
  const heading = new RegExp(`^## ${name.replaceAll('.', '\\.')}${dated}$`, 'm').exec(changelog)
  if (heading === null) return null
  const rest = changelog.slice(heading.index + heading[0].length)
  const end = rest.search(/^## /m)
  return end < 0 ? rest : rest.slice(0, end)
}

/** What a person does after all checks: the last steps change things outside and are never done by the script. */
export function publishSteps(version: string, tarball: string): readonly string[] {
  return [
    `git tag -s v${version} -m ${version}`,
    `git push origin v${version}`,
    `npm publish ${tarball} --provenance --access public${version.includes('-') ? ' --tag next' : ''}`,
    `npm view spillway@${version} dist.attestations.provenance`,
  ]
}

export const PROVENANCE_NOTE =
  'A provenance statement says which commit and which build a package came from. npm writes it only where the build can prove who it is: in a job of GitHub Actions with `permissions: id-token: write`, or of GitLab CI with an id token for sigstore. Anywhere else `npm publish --provenance` fails; do not leave the flag out.'

function newestOf(tags: readonly string[]): string | undefined {
  return tags
    .filter((tag) => tag.startsWith('v') && VERSION.test(tag.slice(1)))
    .map((tag) => tag.slice(1))
    .toSorted(compare)
    .at(-1)
}

/** By numbers; a version with a suffix comes before the one without. */
function compare(a: string, b: string): number {
  const [left = [], right = []] = [a, b].map((version) => (VERSION.exec(version) ?? []).slice(1).map(Number))
  for (let place = 0; place < 3; place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.includes('-') !== b.includes('-')) return a.includes('-') ? -1 : 1
  return a.localeCompare(b, 'en', { numeric: true })
}
