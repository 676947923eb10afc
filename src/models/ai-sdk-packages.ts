/** The packages of the AI SDK that models may be behind: a closed list, so that no text of a policy decides which code runs. */
import type { SdkPackage } from '../spec/policy-models.ts'

/** What a package exports that makes a provider. */
export type SdkExports = Readonly<Record<string, unknown>>

interface SdkEntry {
  readonly load: () => Promise<SdkExports>
  readonly create: string
  /** That it was tested with, as package.json names it. */
  readonly version: string
}

/** Each is an optional part, which the operator installs. */
export const SDK_PACKAGE_TABLE: Readonly<Record<SdkPackage, SdkEntry>> = {
  '@ai-sdk/amazon-bedrock': {
    load: () => import('@ai-sdk/amazon-bedrock'),
    create: 'createAmazonBedrock',
    version: '5.0.101',
  },
  '@ai-sdk/cohere': { load: () => import('@ai-sdk/cohere'), create: 'createCohere', version: '4.0.52' },
  '@ai-sdk/google-vertex': { load: () => import('@ai-sdk/google-vertex'), create: 'createVertex', version: '5.0.141' },
  '@ai-sdk/openai-compatible': {
    load: () => import('@ai-sdk/openai-compatible'),
    create: 'createOpenAICompatible',
    version: '3.0.92',
  },
}
