/** Known vulnerabilities, asked of the registry. Not every registry can be asked; that is said, never passed over. */
import { spawnSync } from 'node:child_process'

export interface Advisories {
  /** Null: nobody could be asked. */
  readonly found: readonly string[] | null
  readonly note: string
}

interface Printed {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>
  readonly message?: string
}

/** @param folder holds package.json and package-lock.json */
export function askAdvisories(folder: string): Advisories {
  const args = ['audit', '--json', '--package-lock-only', '--omit=dev']
  const { stdout } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1e8,
    shell: process.platform === 'win32',
  })
  return readAdvisories(stdout)
}

/** Reads what `npm audit --json` printed, whatever it was. */
export function readAdvisories(printed: string): Advisories {
  const told = parsed(printed)
  if (told?.metadata?.vulnerabilities === undefined || told.vulnerabilities === undefined) {
    return { found: null, note: `not available, the registry in use answers no audit (${reason(told)})` }
  }
  const found = Object.entries(told.vulnerabilities).map(([name, { severity }]) => `${name}: ${severity} vulnerability`)
  return { found, note: `${found.length} known` }
}

function parsed(text: string): Printed | null {
  try {
    return JSON.parse(text) as Printed
  } catch {
    return null
  }
}

/** The first words, without the address of the registry. */
function reason(told: Printed | null): string {
  return told?.message?.replace(/\s*(?:- )?\b(?:GET|POST|PUT)?\s*https?:\S+/g, '') ?? 'no answer'
}
