/** Which licences a package may have, and the page that lists them. Pure. */
import { installed, type LockEntry, type LockFile, nameOf } from './lock.ts'

/** Permissive: they ask for no more than their notice to be kept. */
const RUN_TIME: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
])
/** A tool of the developers is not handed on, so a weak copyleft of its own files is no burden, nor is giving up all rights. */
const TOOLS: ReadonlySet<string> = new Set([...RUN_TIME, 'MPL-2.0', 'Unlicense'])

/** One licence, or a choice that has an allowed one in it, or several that are all allowed. */
export function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const bare = expression.replace(/^\((.*)\)$/, '$1')
  if (bare.includes('(')) return false
  return bare.split(' OR ').some((choice) => choice.split(' AND ').every((one) => allowed.has(one.trim())))
}

/** @returns a sentence for each package whose licence is unknown or not allowed */
export function licenceProblems(lock: LockFile): readonly string[] {
  return installed(lock)
    .filter(([, { license = '', dev }]) => !isAllowed(license, dev ? TOOLS : RUN_TIME))
    .map(([path, { license }]) => `${nameOf(path)} has the licence ${license ?? 'unknown'}, which is not on the list`)
}

const NOTE = '<!-- Written by `npm run docs`; change the lock files, not this page. -->'

export function licencesPage(own: LockFile, engine: LockFile): string {
  const runTime = installed(own).filter(([, { dev }]) => dev !== true)
  const tools = installed(own).filter(([, { dev }]) => dev === true)
  return [
    '# Licences',
    NOTE,
    'What the packages of the lock files say of themselves. `npm run check` refuses one that is not on the list:',
    `${[...RUN_TIME].join(', ')}; for tools of development, which are not handed on, also MPL-2.0 and Unlicense.`,
    '## In use at run time',
    table(runTime),
    '## Installed by `spillway engine install`',
    table(installed(engine)),
    '## Tools of development, not in the package',
    counts(tools),
  ]
    .join('\n\n')
    .replace('list:\n\n', 'list:\n')
    .concat('\n')
}

function table(rows: readonly (readonly [string, LockEntry])[]): string {
  const lines = rows.map(([path, { version, license }]) => `| ${nameOf(path)} | ${version} | ${license} |`)
  return ['| package | version | licence |', '| --- | --- | --- |', ...new Set(lines.toSorted())].join('\n')
}

function counts(rows: readonly (readonly [string, LockEntry])[]): string {
  const groups = [...Map.groupBy(rows, ([, { license = 'unknown' }]) => license)]
  const lines = groups.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, own]) => `| ${name} | ${own.length} |`)
  return ['| licence | packages |', '| --- | --- |', ...lines].join('\n')
}
