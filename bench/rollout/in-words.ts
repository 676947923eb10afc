/** The real local model behind an OpenAI-compatible server on loopback: asked in words, and without a head, it is the worse candidate. */
import { readFileSync } from 'node:fs'
import { createRouter } from '../../src/compose.ts'
import { startGateway } from '../../src/gateway/serve.ts'
import { resolvePaths } from '../../src/models/paths.ts'
import { policySchema } from '../../src/spec/policy.ts'
import { openGatewayStores } from '../../src/stores/gateway-stores.ts'
import type { Environment } from '../../src/stores/policy-file.ts'

export interface WordsServer extends AsyncDisposable {
  readonly baseUrl: string
  readonly key: string
}

/** @param env whose engine it shares; its records and keys lie in `stateDir` */
export async function serveWords(env: Environment, stateDir: string): Promise<WordsServer> {
  const small = { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast', threads: 1 } as const
  const router = createRouter({
    policy: {
      models: { small: { ...small, maxOutputTokens: 8 } },
      tasks: {
        chat: { local: 'small', frontier: false, accept: { uncalibrated: true }, gates: { entropyNats: null } },
      },
      defaults: { task: 'chat' },
    },
    env,
    paths: resolvePaths(env, process.platform),
    auditDir: stateDir,
  })
  const { gateway: settings } = policySchema.parse({})
  const stores = openGatewayStores(stateDir)
  const where = { host: '127.0.0.1', port: 0, log: () => undefined }
  const gateway = await startGateway({ router, settings, stateDir, stores, ...where })
  return {
    baseUrl: `${gateway.url}/v1`,
    key: readFileSync(gateway.keyFile, 'utf8').trim(),
    async [Symbol.asyncDispose]() {
      await gateway.close()
      for (const book of [stores.rates, stores.idempotency, stores.responses]) await book.close()
      await router.close()
    },
  }
}
