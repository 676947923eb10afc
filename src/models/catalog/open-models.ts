import { LARGE_MODELS } from './large-models.ts'
import type { OpenModel } from './open-model.ts'
import { SMALL_MODELS } from './small-models.ts'

/** The swap table, from small to large. */
export const OPEN_MODELS: readonly OpenModel[] = [...SMALL_MODELS, ...LARGE_MODELS]

/** The model of that name, or null. */
export function findOpenModel(name: string): OpenModel | null {
  return OPEN_MODELS.find((model) => model.name === name) ?? null
}
