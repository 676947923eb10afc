import type { PatternName } from '../spec/decision.ts'
import { advisor } from './advisor.ts'
import { buddy } from './buddy.ts'
import { cascade } from './cascade.ts'
import { consensus } from './consensus.ts'
import { direct } from './direct.ts'
import { draftVerify } from './draft-verify.ts'
import type { Pattern } from './pattern.ts'
import { plugin } from './plugin.ts'
import { specialist } from './specialist.ts'

/** One row a pattern. */
export const PATTERN_TABLE: Readonly<Record<PatternName, Pattern>> = {
  direct,
  cascade,
  advisor,
  specialist,
  draft_verify: draftVerify,
  buddy,
  consensus,
  plugin,
}
