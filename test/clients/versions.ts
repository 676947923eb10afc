/** Names and versions of the clients as the repository pins them. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** The requirements of the Python clients: what pip installs, whole and nothing else. */
export const REQUIREMENTS = resolve(import.meta.dirname, 'python/requirements.txt')

/** `name version` of a development dependency. */
export function npmPackage(name: string): string {
  const { devDependencies } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  return `${name} ${devDependencies[name] ?? 'of no known version'}`
}

/** `name version` of a pinned Python package. */
export function pythonPackage(name: string): string {
  const version = new RegExp(`^${name}==(\\S+)`, 'm').exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1]
  return `${name} ${version ?? 'of no known version'}`
}
