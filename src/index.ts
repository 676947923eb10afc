/** The public library: everything a program needs to put a router inside itself. */
export { createRouter, type RouterSettings } from './compose.ts'
export {
  answerSampling,
  SamplingError,
  type SamplingRequest,
  type SamplingResult,
  type SamplingSettings,
} from './integrations/mcp/sampling.ts'
export {
  type AgentContext,
  type AgentQuestion,
  agentRequest,
  type CheckedAnswer,
} from './integrations/quality-check.ts'
export { closeSharedRouter, type QualityCheckOptions, routeWithQualityCheck } from './shared-router.ts'
export type { AuditRecord } from './spec/audit.ts'
export type {
  Attempt,
  Decision,
  OptionProbability,
  Reason,
  Removal,
  Route,
  Signals,
  Tier,
  Usage,
  Verdict,
} from './spec/decision.ts'
export { REASONS, ROUTES, TASK_KINDS, TIERS } from './spec/decision.ts'
export { ERRORS, type ErrorCode, RouterError } from './spec/errors.ts'
export type { CheckedDraft } from './spec/label.ts'
export type { LoadedPolicy, Policy, PolicyInput } from './spec/policy.ts'
export type { AuditQuery, Clock, ModelPort } from './spec/ports.ts'
export { REASON_TEXTS } from './spec/reason-texts.ts'
export type { DecideRequest, Message, RequestMetadata, RouterRequest } from './spec/request.ts'
export type { DecideOutcome, Outcome, StreamEvent } from './spec/response.ts'
export type { Explanation, RequestOptions, Router, RouterStatus } from './spec/router.ts'
export { loadPolicyFile, parsePolicy } from './stores/policy-file.ts'
