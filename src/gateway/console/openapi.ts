/** The OpenAPI document of the admin API, made from its route table. */
import { z } from 'zod'
import { sendJson } from '../failure.ts'
import type { AdminRoute, Caller } from './admin-route.ts'

/** `GET /spillway/v1/openapi.json`; made when it is first asked for. @param routes the table that it stands in itself */
export function openApiDoor(routes: () => readonly AdminRoute[]): AdminRoute['answer'] {
  let document: unknown = null
  return async ({ response }) => {
    document ??= openApiOf(routes())
    response.setHeader('cache-control', 'no-cache')
    sendJson(response, 200, document)
  }
}

const WHO: Readonly<Record<Caller, string>> = {
  operator: "The operator's key, or its session.",
  tenant: "The operator's key, or a key that was issued for tenants, which sees their rows; or a session of either.",
  key: 'Every key.',
  nobody: 'No key is needed.',
}

/** @returns an OpenAPI 3.1 document */
export function openApiOf(routes: readonly AdminRoute[]): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) }
  return {
    openapi: '3.1.0',
    info: { title: 'Spillway admin API', version: 'v1', description: 'What the console shows and does, for anybody.' },
    paths,
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key; `spillway serve` prints the file of the operator key.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'spillway_session',
          description: 'Changes need x-spillway-csrf as well.',
        },
      },
      responses: {
        Failure: {
          description: 'What went wrong, and what to do.',
          content: { 'application/json': { schema: FAILURE } },
        },
      },
    },
  }
}

const FAILURE = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'code', 'hint'],
      properties: { message: { type: 'string' }, code: { type: 'string' }, hint: { type: 'string' } },
    },
  },
} as const

function operationOf(route: AdminRoute): Readonly<Record<string, unknown>> {
  const { method, path, caller, summary, query = {}, body, gives, keys = [], stream } = route
  const open = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const asked = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }))
  const content = stream
    ? { 'text/event-stream': { schema: { type: 'string' } } }
    : { 'application/json': { schema: { type: 'object', required: keys } } }
  return {
    operationId: operationId(method, path),
    summary,
    description: WHO[caller],
    ...(caller !== 'nobody' && { security: [{ key: [] }, { session: [] }] }),
    parameters: [...open, ...asked],
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      200: { description: gives, content },
      default: { $ref: '#/components/responses/Failure' },
    },
  }
}

/** `get_requests_id` */
function operationId(method: string, path: string): string {
  const words = path
    .replace('/spillway/v1/', '')
    .replaceAll(/[{}]/g, '')
    .split(/[^\w]+/)
  return [method.toLowerCase(), ...words].join('_')
}

function schemaOf(body: z.ZodType): unknown {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) as Record<
    string,
    unknown
  >
  return schema
}
