/** Says what is wrong with a body in the words of its schema. */
import type { z } from 'zod'
import { RouterError } from '../spec/errors.ts'

/** @throws RouterError request_invalid with the path of the first problem */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  about: { readonly what: string; readonly fix: string },
): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues[0])
  throw new RouterError('request_invalid', {
    path: issue?.path.map(String).join('.') || 'the body',
    problem: (issue?.message ?? `it is not ${about.what}`).replace(/^Invalid (input|option|string): /, ''),
    fix: about.fix,
  })
}

/** The gateway never fetches an image, but an upstream would: no files, no addresses inside a network. */
export function isSafeUrl(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed?.protocol !== 'https:') return false
  return !/^(localhost|\[.*\]|\d+\.\d+\.\d+\.\d+)$/.test(parsed.hostname)
}

/** A schema may only refer to itself. */
export function hasNoRemoteReference(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(hasNoRemoteReference)
  if (typeof schema !== 'object' || schema === null) return true
  return Object.entries(schema).every(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? value.startsWith('#') : hasNoRemoteReference(value),
  )
}

/** Inside a union the issue that got furthest is the one that was meant. */
function deepest(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().map((item) => ({ ...item, path: [...issue.path, ...item.path] }))
  const furthest = inner.sort((a, b) => b.path.length - a.path.length)[0]
  return furthest ? deepest(furthest) : issue
}
