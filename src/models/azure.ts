/** Models of Azure OpenAI: the OpenAI dialect at a path of its own, with a header and a version of its own. */
import type { ModelPort } from '../spec/ports.ts'
import { createOpenAiCompatibleModel, type OpenAiCompatibleSettings } from './openai-compatible.ts'

export interface AzureSettings extends Omit<OpenAiCompatibleSettings, 'chatUrl' | 'keyHeader' | 'server'> {
  /** Of the resource, for example `https://name.openai.azure.com`; a path such as `/openai` may stand behind it. */
  readonly baseUrl: string
  /** The name of the deployment, which stands for a model. */
  readonly model: string
  /** For example `2024-10-21`. */
  readonly apiVersion: string
}

/** A deployment of Azure OpenAI. `generate` throws what `createOpenAiCompatibleModel` lists. */
export function createAzureModel(settings: AzureSettings): ModelPort {
  return createOpenAiCompatibleModel({
    ...settings,
    server: 'openai',
    keyHeader: 'api-key',
    chatUrl: chatUrl(settings),
  })
}

function chatUrl({ baseUrl, model, apiVersion }: AzureSettings): URL {
  const base = new URL(baseUrl)
  const root = base.pathname.replace(/\/+$/, '').replace(/\/openai$/, '')
  base.pathname = `${root}/openai/deployments/${encodeURIComponent(model)}/chat/completions`
  base.searchParams.set('api-version', apiVersion)
  return base
}
