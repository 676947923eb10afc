/** Word lists that the shipped hard stops share as context. English, German and Spanish. Plain data. */
import type { HardStopTerm } from './hard-stop-term.ts'

/** Words of a refusal, in the languages of the shipped data (English, German, Spanish). */
export const REFUSED: string[] = terms(`
    denied, refused, rejected, revoked, expired, expires, invalid, not valid, not yet valid, no longer valid, missing, not set,
    is unset, not found, unauthorized, unauthorised, forbidden, unauthenticated, 401, 403, required, requires,
    wrong, incorrect, bad, insufficient, lacks, lacking, without, disabled, blocked, locked, cannot, could not,
    unable, must have, does not have, do not have, not allowed, no access, grant, mismatch, leaked, exposed,
    compromised, fehlt, fehlen, fehlende, fehlenden, abgelaufen, ungültig, ungültige, ungültiger, ungültiges,
    verweigert, abgelehnt, widerrufen, gesperrt, entzogen, gescheitert, abgewiesen, zurückgewiesen, keine,
    vergeben, caducado, denegado, concedemos
  `)

/** Words beside which `token`, `scope` and the like are a parser's, a compiler's or a style sheet's. */
export const LANGUAGE_WORDS: string[] = terms(`
    unexpected, syntax*, parse*, parser, parsing, lexer, lexical, lexing, grammar, tokeniz*, tokenis*, macro,
    macros, json, yaml, css, template, declared, undeclared, variable, variables, coroutine, attribute, shadow*,
    no-shadow, operator, identifier, semicolon, brace, bracket, column, selector, styles, style, per second,
    bucket, max_tokens, end of file, eof, eos, unqualified, preproces*, dependency, dependencies, compile,
    provided, vocab*, embedding*
  `)

/** Words beside which 401 and 403 are an answer of a server. */
export const STATUS_WORDS: string[] = terms(`
    http, https, http*, status, response, responded, responds, unauthorized, unauthorised, forbidden, denied,
    registry, server, client error, error code, error status, status code, returned, returns, received, replied,
    answered, got, get, put, post, patch, head, request, auth, authentication, authorization, login,
    credentials, api, upstream, proxy, download, upload, pull, push, fetch, publish, liefert, meldet, antwortet,
    fehler, fehlercode, zugriff, anmeldung, schnittstelle, devuelve, responde
  `)

/** Units that make a number a count. */
const COUNTED = terms(`
    passed, tests, of, packages, files, modules, ms, kb, mb, s, problems, errors, warnings, failed, skipped, crates,
    lines, rows, objects, items, seconds, bytes, euro, eur, usd, total, passing, pending, stück, k, tokens
  `)
/** Words beside which 401 and 403 count something, or are what a test compares. */
export const COUNT_WORDS: string[] = [
  ...['401', '403'].flatMap((code) => COUNTED.map((unit) => `${code} ${unit}`)),
  ...terms(`
    of 401, of 403, expected 401, expected 403, line 401, line 403, posten, position, artikel, tests run, port 401, port 403, zeile 401,
    zeile 403, page 401, page 403, to equal, assertionerror
  `),
]

/** What a deletion destroys for good. */
export const STORES: string[] = terms(`
    table, tables, tabelle, tabla, database, databases, datenbank, bucket, buckets, objects, volume, volumes,
    production, prod, branch, repository, repo, namespace, cluster, pvc, pv, backup, backups, snapshot, snapshots,
    customer, customers, kunden, records, permanent, permanently, permanent removal, versioning off,
    resource group, stack, s3, account, accounts, all data, everything, history, schema, disk, disks, project, projects, instances,
    tenant, key vault, topic, index, restored, undo, irreversibl*
  `)

/** A list as it would stand in a policy file: terms between commas. */
export function terms(list: string): string[] {
  return list.split(',').map((term) => term.replace(/\s+/g, ' ').trim())
}

/** What a production, a hacker and a virus are in the arts and in the body. */
export const ARTS =
  'film*, actor*, actress*, director*, album*, animation, stage, company, companies, producer*, theatre, theater, cartoon*, television, series, mucous, airway*, music, concert, game, games, record, song*'

/**
 * Things that are at stake beside words that say what happened to them. A thing alone never stops, so that `the key to
 * success` and `production of cheese` pass.
 */
export function beside(things: string, events: string, harmless = ''): HardStopTerm {
  const notNear = harmless === '' ? {} : { notNear: terms(harmless) }
  return { term: terms(things), near: terms(events), ...notNear }
}
