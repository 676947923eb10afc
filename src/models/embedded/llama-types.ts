/**
 * The few shapes of node-llama-cpp 3.22.1 that the engine host uses. The package lives in the data directory, not in
 * node_modules (its GPU variants weigh 725 MB), so its own types are not there when this program is compiled.
 */

/** A token id of the loaded model. */
export type Token = number

export interface LlamaLibrary {
  getLlama(settings: {
    readonly gpu: false
    readonly build: 'never'
    readonly logLevel: string
    readonly maxThreads: number
    readonly progressLogs: false
    readonly skipDownload: true
    readonly logger?: (level: string, message: string) => void
  }): Promise<Llama>
  resolveChatWrapper(model: LlamaModel): ChatWrapper
}

export interface Llama {
  loadModel(settings: {
    readonly modelPath: string
    readonly gpuLayers: 0
    readonly ignoreMemorySafetyChecks: true
  }): Promise<LlamaModel>
  dispose(): Promise<void>
}

export interface LlamaModel {
  readonly tokens: {
    readonly bos: Token | null
    readonly shouldPrependBosToken: boolean
    readonly infill: { readonly prefix: Token | null; readonly suffix: Token | null; readonly middle: Token | null }
  }
  readonly tokenizer: unknown
  readonly trainContextSize: number
  readonly fileInfo: {
    readonly metadata: { readonly tokenizer: { readonly ggml: { readonly tokens: readonly string[] } } }
  }
  tokenize(text: string, specialTokens?: boolean, trim?: 'trimLeadingSpace'): Token[]
  detokenize(tokens: readonly Token[], specialTokens?: boolean, lastTokens?: readonly Token[]): string
  isEogToken(token: Token | undefined): boolean
  createContext(settings: {
    readonly contextSize: number
    readonly sequences: number
    readonly threads: number
    readonly lora?: { readonly adapters: readonly { readonly filePath: string; readonly scale: number }[] }
    readonly ignoreMemorySafetyChecks: true
    readonly failedCreationRemedy: false
  }): Promise<LlamaContext>
  createEmbeddingContext(settings: {
    readonly contextSize: number
    readonly threads: number
    readonly ignoreMemorySafetyChecks: true
  }): Promise<LlamaEmbeddingContext>
  dispose(): Promise<void>
}

export interface LlamaEmbeddingContext {
  /** One input at a time; a second call waits for the first. */
  getEmbeddingFor(input: Token[]): Promise<{ readonly vector: readonly number[] }>
  dispose(): Promise<void>
}

export interface LlamaContext {
  readonly contextSize: number
  getSequence(): LlamaSequence
  dispose(): Promise<void>
}

/** What to read from the distribution after one token. */
export interface GenerateNext {
  readonly token: true
  readonly logits:
    | {
        readonly filter: {
          readonly tokens: readonly Token[]
          readonly includeSelected: true
          readonly includeTop?: number
        }
      }
    /** The whole vocabulary, as the sampling options leave it. */
    | true
  readonly totalLogitWeight: true
  readonly options: {
    readonly temperature: number
    readonly topK?: number
    readonly topP?: number
    readonly seed?: number
  }
}

export type ControlledInput = Token | [Token, { readonly generateNext: GenerateNext }]

export interface ControlledOutput {
  readonly next: {
    readonly token?: Token | null
    readonly logits?: ReadonlyMap<Token, number>
    /** The sum of exp(logit - largest logit) over the vocabulary. */
    readonly totalLogitWeight?: number
  }
}

export interface LlamaSequence {
  readonly nextTokenIndex: number
  readonly contextSize: number
  controlledEvaluate(input: readonly ControlledInput[]): Promise<readonly (ControlledOutput | undefined)[]>
  evaluateWithoutGeneratingNewTokens(tokens: readonly Token[]): Promise<void>
  compareContextTokens(tokens: readonly Token[]): { readonly firstDifferentIndex: number }
  saveStateToFile(file: string): Promise<{ readonly fileSize: number }>
  loadStateFromFile(file: string, consent: { readonly acceptRisk: true }): Promise<void>
  adaptStateToTokens(tokens: readonly Token[], allowShift: false): Promise<void>
  eraseContextTokenRanges(ranges: readonly { readonly start: number; readonly end: number }[]): Promise<void>
  clearHistory(): Promise<void>
  dispose(): Promise<void>
}

export type ChatHistoryItem =
  | { readonly type: 'system'; readonly text: string }
  | { readonly type: 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: readonly string[] }

export interface ChatWrapper {
  readonly wrapperName: string
  generateContextState(input: { readonly chatHistory: readonly ChatHistoryItem[] }): {
    readonly contextText: { tokenize(tokenizer: unknown, trim: 'trimLeadingSpace'): Token[]; toString(): string }
    readonly stopGenerationTriggers: readonly { readonly values: readonly unknown[] }[]
  }
}
