/** `spillway/plugin`: what a gate, solver, pattern, detector or model adapter of one's own is written with. */
export {
  type DetectorPlugin,
  definePlugin,
  type GatePlugin,
  type ModelPlugin,
  type PatternPlugin,
  PLUGIN_API,
  type Plugin,
  type PluginAnswer,
  type PluginAnswerEnd,
  type PluginGateInput,
  type PluginKind,
  type PluginMessage,
  type PluginModelCall,
  type PluginOpinion,
  type PluginPatternInput,
  type PluginPatternTools,
  type PluginSolution,
  type PluginSpan,
  type SolverPlugin,
} from './spec/plugin.ts'
export type { PrivateKind } from './spec/private-kinds.ts'
