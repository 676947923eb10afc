/** The policy's `network`: how models on other machines are reached. */
import { z } from 'zod'

export const networkSchema = z
  .strictObject({
    proxy: z
      .union([z.enum(['none', 'environment']), z.url({ protocol: /^https?$/ })])
      .default('none')
      .describe(
        'Proxy on the way to models on other machines. none: no variable is read. environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Or its address, without a password. It is asked for a tunnel (CONNECT), and it resolves the host names.',
      ),
    noProxy: z
      .array(z.string().min(1))
      .default([])
      .describe('Hosts that are reached without the proxy: a name with all below it, name:port, or an IP address.'),
  })
  .prefault({})
  .describe('Models on this machine are never reached through a proxy.')
