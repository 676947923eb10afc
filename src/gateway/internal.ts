/** What our own command line asks of a running server; only the operator's key opens it. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import type { RouterRequest } from '../spec/request.ts'
import { readJsonBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import type { KeyHolder } from './keys.ts'
import { metadataSchema } from './metadata.ts'

const part = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), url: z.string(), alt: z.string().optional() }),
  z.object({ type: z.literal('other'), wireType: z.string() }),
])

/** A `RouterRequest` that came over the wire. It carries no wire body: the other side is no client of a provider. */
export const requestSchema = z.object({
  id: z.string().min(1).max(128).optional(),
  messages: z.array(
    z.object({
      role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
      content: z.union([z.string(), z.array(part)]),
      name: z.string().optional(),
      toolCalls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })).optional(),
      toolCallId: z.string().optional(),
    }),
  ),
  metadata: metadataSchema.omit({ action: true }).optional(),
  override: z.enum(['auto', 'local', 'frontier']).optional(),
  tools: z
    .array(
      z.object({
        name: z.string(),
        description: z.string().optional(),
        parameters: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .optional(),
  responseSchema: z.union([z.literal('json'), z.record(z.string(), z.unknown())]).optional(),
  maxOutputTokens: z.number().int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  stop: z.array(z.string().min(1)).optional(),
  seed: z.number().int().optional(),
  needs: z.array(z.string()).optional(),
})

/** The router's request in, its outcome out, a held one included. */
export async function internalComplete({ app, request, response, holder, signal }: Exchange): Promise<void> {
  requireOperator(holder)
  const parsed = requestSchema.safeParse(await readJsonBody(request, app.settings.maxBodyBytes))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new RouterError('request_invalid', {
      path: issue?.path.map(String).join('.') || 'the body',
      problem: issue?.message ?? 'it is not a router request',
      fix: 'Send a router request.',
    })
  }
  // Optional keys are absent or set, never undefined: JSON has no such value.
  sendJson(response, 200, await app.router.complete(parsed.data as RouterRequest, { signal }))
}

export async function internalStatus({ app, response, holder }: Exchange): Promise<void> {
  requireOperator(holder)
  sendJson(response, 200, app.router.status())
}

/** @throws RouterError not_found, so that other keys do not learn what there is */
export function requireOperator(holder: KeyHolder | null): void {
  if (holder?.isOperator) return
  throw new RouterError('not_found', { subject: 'path', value: 'of this key', fix: "Use the operator's key." })
}
