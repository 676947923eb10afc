import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Evaluation material that lies beside the repository in some places and is never part of it. */
const FOLDER = resolve(import.meta.dirname, '../../../shared/data/adversarial')

/** @returns the rows of a JSON Lines file; null where the material is absent */
export function adversarialRows<Row>(file: string): readonly Row[] | null {
  const path = resolve(FOLDER, file)
  if (!existsSync(path)) return null
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

/** @returns what a JSON file holds; null where the material is absent */
export function adversarialFile<Content>(file: string): Content | null {
  const path = resolve(FOLDER, file)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Content) : null
}
