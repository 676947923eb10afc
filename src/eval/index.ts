/** `spillway/eval`: what `spillway eval` is made of, for programs. */
export { type BarResult, judgeBars } from './report/bars.ts'
export { reportHtml } from './report/html.ts'
export { type EvalReport, type Fault, reportOf } from './report/report.ts'
export { type Share, type Summary, summaryOf } from './report/summary.ts'
export { mayTakeOver, planCandidate, type Rotation, rotationChange } from './rollout/rotate.ts'
export {
  type RotationEvidence,
  type RotationQuestion,
  type RotationReport,
  rotationReport,
  rotationVerdict,
} from './rollout/rotation.ts'
export { type Dataset, type EvalRow, readDataset } from './run/dataset.ts'
export { type EvalPlan, type EvalSetup, type Evaluation, evalSetup, evaluate } from './run/evaluate.ts'
export { type EvalRun, openResults, type ResultsFile } from './run/results-file.ts'
export type { RowResult } from './run/row-result.ts'
export { sampled } from './run/sample.ts'
