/** The files that can be imported. */
import { claudeCodeRouter } from './claude-code-router.ts'
import { litellm } from './litellm.ts'
import { llmConfig } from './llm-config.ts'
import { routellm } from './routellm.ts'
import { routerPolicy } from './router-policy.ts'
import type { Shape, ShapeName } from './shape.ts'
import type { Fields } from './values.ts'

export const SHAPE_OF: Readonly<Record<ShapeName, Shape>> = {
  litellm,
  'claude-code-router': claudeCodeRouter,
  routellm,
  'router-policy': routerPolicy,
  'llm-config': llmConfig,
}

/** @returns null when the object looks like none of them */
export function shapeFor(source: Fields): Shape | null {
  return Object.values(SHAPE_OF).find((shape) => shape.fits(source)) ?? null
}
