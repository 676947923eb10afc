/** Providers and local servers as data: where they are, which variable holds the key, under whose law they answer. */
export interface Preset {
  readonly provider: 'openai' | 'anthropic' | 'ollama'
  readonly baseUrl: string
  /** Null where the server wants no key. */
  readonly keyVariable: string | null
  /** ISO-like region code; `self` where the operator runs the server. */
  readonly jurisdiction: string
  /** It answers with the models of others, wherever it runs itself. */
  readonly passesOn?: true
}

/** Addresses as the providers publish them for API clients, and the usual ports of local servers. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  openai: {
    provider: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    keyVariable: 'OPENAI_API_KEY',
    jurisdiction: 'us',
  },
  anthropic: {
    provider: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyVariable: 'ANTHROPIC_API_KEY',
    jurisdiction: 'us',
  },
  google: {
    provider: 'openai',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    keyVariable: 'GEMINI_API_KEY',
    jurisdiction: 'us',
  },
  mistral: {
    provider: 'openai',
    baseUrl: 'https://api.mistral.ai/v1',
    keyVariable: 'MISTRAL_API_KEY',
    jurisdiction: 'eu',
  },
  berget: {
    provider: 'openai',
    baseUrl: 'https://api.berget.ai/v1',
    keyVariable: 'BERGET_API_KEY',
    jurisdiction: 'eu',
  },
  openrouter: {
    provider: 'openai',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariable: 'OPENROUTER_API_KEY',
    jurisdiction: 'us',
  },
  groq: {
    provider: 'openai',
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariable: 'GROQ_API_KEY',
    jurisdiction: 'us',
  },
  together: {
    provider: 'openai',
    baseUrl: 'https://api.together.xyz/v1',
    keyVariable: 'TOGETHER_API_KEY',
    jurisdiction: 'us',
  },
  deepinfra: {
    provider: 'openai',
    baseUrl: 'https://api.deepinfra.com/v1/openai',
    keyVariable: 'DEEPINFRA_API_KEY',
    jurisdiction: 'us',
  },
  deepseek: {
    provider: 'openai',
    baseUrl: 'https://api.deepseek.com/v1',
    keyVariable: 'DEEPSEEK_API_KEY',
    jurisdiction: 'cn',
  },
  fireworks: {
    provider: 'openai',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariable: 'FIREWORKS_API_KEY',
    jurisdiction: 'us',
  },
  cerebras: {
    provider: 'openai',
    baseUrl: 'https://api.cerebras.ai/v1',
    keyVariable: 'CEREBRAS_API_KEY',
    jurisdiction: 'us',
  },
  xai: { provider: 'openai', baseUrl: 'https://api.x.ai/v1', keyVariable: 'XAI_API_KEY', jurisdiction: 'us' },
  litellm: {
    provider: 'openai',
    baseUrl: 'http://127.0.0.1:4000/v1',
    keyVariable: 'LITELLM_API_KEY',
    jurisdiction: 'self',
    passesOn: true,
  },
  portkey: {
    provider: 'openai',
    baseUrl: 'https://api.portkey.ai/v1',
    keyVariable: 'PORTKEY_API_KEY',
    jurisdiction: 'us',
  },
  ollama: { provider: 'ollama', baseUrl: 'http://127.0.0.1:11434', keyVariable: null, jurisdiction: 'self' },
  lmstudio: { provider: 'openai', baseUrl: 'http://127.0.0.1:1234/v1', keyVariable: null, jurisdiction: 'self' },
  llamacpp: { provider: 'openai', baseUrl: 'http://127.0.0.1:8080/v1', keyVariable: null, jurisdiction: 'self' },
  vllm: { provider: 'openai', baseUrl: 'http://127.0.0.1:8000/v1', keyVariable: null, jurisdiction: 'self' },
  localai: { provider: 'openai', baseUrl: 'http://127.0.0.1:8080/v1', keyVariable: null, jurisdiction: 'self' },
  jan: { provider: 'openai', baseUrl: 'http://127.0.0.1:1337/v1', keyVariable: null, jurisdiction: 'self' },
}
