/**
 * The shipped hard-stop data: what build tools, registries, clouds, clusters and people write when access is refused,
 * security is at stake, production is touched or something cannot be undone. Plain data; a policy may replace any list.
 *
 * Matching: whole words on a normalised copy of the text. `*` at an end of a word stands for any letters, digits and
 * `_`. Between the words of a term may stand a little punctuation, and `access denied` also finds `AccessDenied` and
 * `access_denied`. Everyday words (`token`, `scope`, `deploy`) stop only beside a word that says something happened.
 */

import { COUNT_WORDS, LANGUAGE_WORDS, REFUSED, STATUS_WORDS, STORES, terms } from './hard-stop-context.ts'
import { ACCESS_SPEECH } from './hard-stop-speech-access.ts'
import { IRREVERSIBLE_SPEECH, PRODUCTION_SPEECH } from './hard-stop-speech-live.ts'
import { SECURITY_SPEECH } from './hard-stop-speech-security.ts'
import type { HardStopTerm } from './hard-stop-term.ts'

export type { HardStopTerm }

const ACCESS: readonly HardStopTerm[] = [
  ...terms(`
    registry auth, 401 unauthorized, 401 unauthorised, 403 forbidden, http 401, http 403, http error 401,
    http error 403, error 401, error 403, err 401, err 403, e401, e403, status 401, status 403, status code 401,
    status code 403, code 401, code 403, needauth, eneedauth, eotp, eacces, permission denied*,
    permissions denied*, permission_denied, access denied*, access is denied, access was denied,
    access forbidden, authorization denied, authentication failed*, authentication failure,
    authentication required, authentication error, authentication is required, authorization failed*,
    authorization required, auth failed, auth failure, auth error, auth required, auth denied,
    failed to authenticate, failed to authorize, could not authenticate, unable to authenticate,
    cannot authenticate, login failed, failed to log in, login required, not logged in, must be logged in,
    need auth, registry requires auth, no token found, no login found, not allowed to push, not allowed to pull,
    not allowed to access, not allowed to download, you to be logged in, does not exist in our records,
    need to be logged in, password authentication failed, invalid credential*, bad credentials,
    wrong credentials, no credentials, invalid username, invalid password, incorrect password, wrong password,
    incorrect or missing password, could not read username, could not read password, terminal prompts disabled,
    host key verification failed, correct access rights, no basic auth credentials,
    unable to locate credentials, could not load credentials, could not find default credentials,
    unable to load credentials, credentials are required, requested access to the resource is denied,
    insufficient scope*, insufficient permission*, insufficient privilege*, missing permission*, missing scope*,
    does not have permission*, do not have permission*, don't have permission*,
    not have the required permission*, does not have access, do not have access, don't have access,
    not have access to, no permission to, lacks permission*, not authorized, not authorised,
    operation not permitted, not permitted to, unauthorizedexception, unauthorizedaccess*, expired token*,
    token expired, tokenexpired*, token has expired, token is expired, token revoked, token was revoked,
    invalid access token, invalid auth token, invalid api key, invalid access key*, invalid grant,
    invalid client, unauthorized client, invalidclienttokenid, unrecognizedclientexception,
    signaturedoesnotmatch, aadsts*, requestexpired, session expired, session has expired, sso session*,
    sso denied, pull access denied, ssl client certificate required, keine berechtigung, fehlende berechtigung*,
    zugriff verweigert, zugang verweigert, anmeldung fehlgeschlagen, acceso denegado
  `),
  { term: ['401', '403'], near: STATUS_WORDS, notNear: COUNT_WORDS },
  {
    term: terms(`
    token, tokens, *_token, access token, jwt, pat, api key, api_key, *_api_key, access key, deploy key,
    ssh key, password, passphrase
  `),
    near: REFUSED,
    notNear: LANGUAGE_WORDS,
  },
  {
    term: ['credential', 'credentials', '*_credentials'],
    near: [
      ...REFUSED,
      ...terms(`
    fail*, error, not, no, locate, load
  `),
    ],
  },
  {
    term: ['permission', 'permissions', 'privilege', 'privileges'],
    near: [
      ...REFUSED,
      ...terms(`
    not, no, need, needs, error, failed, ask, scope
  `),
    ],
    notNear: ['permission granted', 'permissions granted'],
  },
  {
    term: ['scope', 'scopes'],
    near: terms(`
    token, oauth*, permission*, 401, 403, insufficient, denied, grant, consent, authoriz*, access, api
  `),
    notNear: LANGUAGE_WORDS,
  },
  {
    term: ['sso', 'saml', 'oidc', 'oauth', 'oauth2', '2fa', 'mfa', 'otp', 'ldap', 'kerberos'],
    near: [
      ...REFUSED,
      ...terms(`
    session, fail*, error, not
  `),
    ],
  },
  {
    term: ['unauthorized', 'unauthorised', 'unauthenticated', 'forbidden'],
    near: terms(`
    401, 403, http*, status, response, request, error, err, fatal, failed, registry, client, server, user, get,
    put, post, pull, push, access, authentication, cannot, resource, policy, code, token, denied, exception,
    upload, download, publish
  `),
  },
  {
    term: terms(`
    denied, authentication, authorization, authorisation, access, login, log in, sign in, publickey
  `),
    near: terms(`
    permission*, pull, push, registry, repository, resource, requested, publickey, required, failed, denied,
    refused, rejected, unauthorized, expired, revoked, principal, rbac, iam, arn, sts, service account, role
  `),
    notNear: terms(`
    violation, passed, segment*, memory, null, property, index, array, talks, police, election, charges,
    officials
  `),
  },
  {
    term: terms(`
    zugriff*, zugang, zugangsdaten, berechtigung*, anmeldung*, anmelden, einloggen, login, konto, kennwort,
    passwort, schlüssel, token, *token, api-schlüssel, zertifikat
  `),
    near: terms(`
    verweigert, abgelehnt, gesperrt, abgelaufen, abgewiesen, zurückgewiesen, ungültig*, fehlt, fehlen,
    fehlende*, keine, keinen, entzogen, widerrufen, gescheitert, fehlgeschlagen, 401, 403, vergeben, denied,
    expired, revoked, sso, erneuern, freischalten
  `),
    notNear: LANGUAGE_WORDS,
  },
  {
    term: ['permiso*', 'acceso', 'credenciales', 'contraseña'],
    near: terms(`
    401, 403, denegado, denegada, caducado, caducada, inválido, inválida, concedemos, falta, faltan, sin
  `),
  },
]

const SECURITY: readonly HardStopTerm[] = [
  ...terms(`
    CVE-*, GHSA-*, RUSTSEC-*, security advisory, security advisories, access policy, access policies,
    secret scan*, leaked secret*, secret leaked, secrets leaked, hardcoded secret*, hard-coded secret*,
    exposed secret*, private key material, begin private key, begin * private key, id_rsa, id_dsa, id_ecdsa,
    id_ed25519, security error, security warning, dependency verification failed, hash changed,
    verification is disabled, publicly accessible, bucket is public, security violation, security incident, security vulnerability,
    security vulnerabilities, critical vulnerability, critical vulnerabilities, eintegrity,
    integrity check failed, integrity checksum failed, do not match the hashes, hashes do not match,
    hash mismatch, does not match an earlier download, checksum mismatch, checksum verification failed,
    digest mismatch, signature verification failed, signature check failed, bad signature, invalid signature,
    no matching signatures, not signed by a trusted, gpg check failed, no valid openpgp data,
    remote code execution, arbitrary code execution, privilege escalation, sql injection, command injection,
    path traversal, cross-site scripting, supply chain attack, malicious package, malicious code, auth bypass,
    authentication bypass, auth middleware, man in the middle, push protection, gitleaks, trufflehog
  `),
  {
    term: ['vulnerability', 'vulnerabilities', 'vulnerable'],
    near: terms(`
    critical, high, severe, found, detected, exploit*, affected, fail*, gate, audit, advisory, patched,
    reported, scan, known
  `),
    notNear: terms(`
    0 vulnerabilities, no vulnerabilities, no known vulnerabilities, zero vulnerabilities, 0 critical
  `),
  },
  {
    term: terms(`
    secret, secrets, *_secret, *_secret_key, *_secret_access_key, private key, api key, access key, aws key,
    password, credential, credentials
  `),
    near: terms(`
    leak*, detected, exposed, committed, commit, plaintext, plain text, revoke, rotate, scan*, push blocked,
    hardcoded, hard-coded, compromised, stolen, in the repository, in git, found in, aws, vault, printed,
    disclosed, cannot contain, push cannot
  `),
    notNear: LANGUAGE_WORDS,
  },
  {
    term: ['secret', 'secrets'],
    near: terms(`
    missing, not found, denied, expired, invalid, not set, required, mount*, key
  `),
    notNear: ['service', 'police', 'talks', 'agents', 'ballot'],
  },
  {
    term: ['leak', 'leaks', 'leaked'],
    near: terms(`
    secret, secret-scan, key, keys, token, tokens, credential*, password*, found in, rule
  `),
    notNear: ['memory', 'handle', 'goroutine', 'resource'],
  },
  {
    term: terms(`
    .env, .env.production, .env.local, .pem, *.pem, .p12, .pfx, .npmrc, .netrc, .kube, .aws
  `),
    near: terms(`
    commit*, leak*, expos*, push*, tracked, staged, secret*, private, contains, public, world, found, too open,
    permissions, credential*, token, password*, printed, key
  `),
  },
  {
    term: ['auth', 'authentication', 'authenticate', 'authentifizierung', 'autenticaci*'],
    near: terms(`
    middleware, bypass*, disabled, unauthenticated, broken, umgeh*, token, check, skip*, weak*, saltar*,
    vulnerab*, denied, rejected
  `),
    notNear: LANGUAGE_WORDS,
  },
  {
    term: terms(`
    compromised, attacker, attackers, malware, backdoor, exploit, ransomware, typosquat*
  `),
    near: terms(`
    package, packages, dependency, dependencies, key, keys, token, tokens, account, credential*, registry,
    download, version, release, intercept*, image, detected
  `),
  },
  {
    term: terms(`
    signature, signed, unsigned, cosign, sigstore, gpg, provenance, attestation
  `),
    near: terms(`
    verif*, untrusted, trusted, no matching, mismatch, not signed, expired key, bad, image, artifact, revoked
  `),
    notNear: terms(`
    function, method, type, overload, call, parameter*, argument*, generic, integer, int, char, comparison,
    overflow, long, label, band, record*, album, contract, treaty, player*, club
  `),
  },
  {
    term: ['checksum', 'checksums', 'integrity', 'digest'],
    near: ['changed', 'tampered', 'altered'],
  },
  {
    term: ['policy'],
    near: terms(`
    violation, violations, violates, access, iam, bucket policy, blocked by, security, opa, admission,
    network policy
  `),
    notNear: terms(`
    cmake, cmp*, fiscal, monetary, foreign, economic, minister, cookie, public policy, policy brief, policy expert*
  `),
  },
  {
    term: ['critical'],
    near: terms(`
    openssl, fixed in, severity, cve, scan, trivy, grype, snyk, audit, total, image
  `),
    notNear: ['0 critical', 'critical 0', 'section', 'path'],
  },
]

const PRODUCTION: readonly HardStopTerm[] = [
  ...terms(`
    production customer*, prod customer*, prod data, production data, live incident, production incident,
    prod incident, production outage, production database*, prod database*, production db, prod db,
    production cluster*, prod cluster*, production traffic, namespace production, context prod, live customers,
    customer-facing outage, customers affected, customers are affected, sev1, sev-1, sev0, datos de producción,
    produktionsdaten, produktivdaten*, produktivsystem*, produktionssystem*
  `),
  {
    term: terms(`
    production, prod, produktion, producción, prd, live system, live-system, livesystem
  `),
    near: terms(`
    traffic, customer*, kunden, cluster, database, databases, db, datenbank, tabelle, tabla, namespace, outage,
    incident, rollback, rolled back, migrat*, migrac*, revision, pods, pod, replicas, helm, kubectl,
    upgrade failed, deploy, deploying, deployment, deploys, rollout, crashloopbackoff, cutover, schema,
    lock wait, terraform, terminated, paging, on-call, pagerduty, löscht, löschen, borra, borrar, argocd,
    canary, downtime, users are, shell, ssh, drops, drop
  `),
    notNear: terms(`
    building, build, built, bundl*, vite, webpack, rollup, esbuild, parcel, turbopack, minif*, optimi*, mode,
    node_env, compiled, next build, react, oil, crude, barrels, film, movie, opec, factory, steel, gas, install,
    dependencies, sourcemap*, source maps
  `),
  },
  {
    term: ['incident', 'outage'],
    near: terms(`
    opened, declared, live, customers, sev, pagerduty, checkout, severity, on-call, alert
  `),
    notNear: ['police', 'killed', 'soldiers', 'officials'],
  },
  { term: ['crashloopbackoff', 'pods', 'replicas'], near: ['prod', 'production', 'live', 'rollback'] },
]

const IRREVERSIBLE: readonly HardStopTerm[] = [
  ...terms(`
    drop table, drops the table, drop database, drop schema, drop column, drop collection, dropdatabase, dropdb, migrate reset, will be lost, cannot be reversed, removed permanently, deleted permanently,
    truncate table, delete from, rm -rf, rm -fr, force push*, push --force, push -f, force-with-lease,
    forced update, reset --hard origin, cannot be undone, can not be undone, can't be undone, there is no undo,
    no undo, irreversible, unwiderruflich, permanently delete*, permanent removal, permanently remove*,
    cannot be restored, cannot be recovered, destroy all, terraform destroy, pulumi destroy, remove volume,
    volume rm, volume prune, system prune, npm unpublish, cargo yank, nuget delete, mkfs, wipefs, force-delete,
    history rewrite, filter-branch, delete namespace, delete-stack, delete-bucket, flushall, data loss,
    datenverlust
  `),
  {
    term: ['to destroy', 'destroyed', 'destroying', 'destroy'],
    near: terms(`
    to add, to change, plan, resources, aws_*, google_*, azurerm_*, module, key, keys, infrastructure, confirm,
    apply, old key, volume, database
  `),
    notNear: ['session', 'component', 'lifecycle', 'hook', 'ngondestroy', 'ondestroy'],
  },
  {
    term: terms(`
    delete, deletes, deleting, deleted, deletion, purge, purging, wipe, wiping, erase, löschen, löscht,
    gelöscht, borra, borrar, eliminar
  `),
    near: STORES,
    notNear: terms(`
    test, tests, spec, prettier, unused, no-delete, cascade option, trailing, whitespace, operator, property,
    cache, temp, temporary, tmp, coverage, unresolved, undefined
  `),
  },
  {
    term: ['drop', 'drops', 'dropping'],
    near: terms(`
    table, tables, database, schema, column, collection, cascade, tabelle, partition
  `),
  },
  { term: ['unpublish', 'yank'], near: ['force', 'package', 'version', 'crate', 'npm', 'undone', 'dependents'] },
  { term: ['history'], near: ['rewrit*', 'overwrit*', 'protected branch', 'force'] },
  {
    term: ['no backup', 'without backup', 'no backups'],
    near: ['of', 'found', 'exists', 'taken', 'available', 'delete*', 'volume', 'was'],
  },
  {
    term: terms(`
    deploy, deploys, deploying, deployed, deployment, release, rollout, publish
  `),
    near: terms(`
    production, prod, produktion, producción, live, customers, all regions, failed to deploy, deploy failed,
    deployment failed, rollback
  `),
    notNear: terms(`
    dry-run, dry run, preview, staging, troops, soldiers, build, building, mode, film, album, oil
  `),
  },
  {
    term: terms(`
    migrate, migrates, migrating, migration, migrations, migrate*, migraci*, flyway, liquibase, alembic
  `),
    near: terms(`
    production, prod, produktion, producción, database, schema, table, tables, tabelle, tabla, failed,
    lock wait, statement, drop*, clean, rollback, rolled back, confirmation, irreversible, half, partially,
    mixed state, borra, löscht
  `),
    notNear: ['test', 'tests', 'guide', 'deprecated', 'birds', 'workers', 'migrate to vite', 'docs'],
  },
  {
    term: ['rotate', 'rotates', 'rotating', 'rotated', 'rotation'],
    near: terms(`
    key, keys, secret, secrets, credential*, token, tokens, certificate*, cert, certs, password*, schlüssel,
    signing
  `),
    notNear: ['image', 'images', 'log', 'logs', 'matrix', 'degrees', 'animation'],
  },
]

/** Phrases in which a term is harmless. Their words are hidden before terms are looked for. */
const EXCEPT = [
  'process.env',
  ...terms(`
    destroy complete, token ring, cannot read propert* of undefined reading *, unknown token type, unexpected token*, cannot read propert* of undefined reading *, unknown token type, unexpected end,
    invalid or unexpected token, expected the token, expected token, stray token, missing token, before token,
    preprocessing token, token recognition error, invalid token in, token in template, token in json,
    tokens per second, tokens/s, max tokens, token limit, token count, input tokens, output tokens,
    cancellation token, token bucket, security token service, 401 passed, 403 passed, passed 401, passed 403,
    401 tests, 403 tests, permission granted, permissions granted, access granted, zugriff gewährt,
    scoped styles, in this scope, in the upper scope, scope provided, scope compile, scope test, out of scope,
    building for production, build for production, production build, production mode, mode production,
    node_env production, production dependencies, production bundle, optimized production,
    create-react-app production, 0 to destroy, 0 destroyed, destroyed 0, found 0 vulnerabilities,
    0 vulnerabilities, no vulnerabilities found, no known vulnerabilities, 0 critical, 0 high, import.meta.env, .env.example, .env.sample, secret service, secretstorage, dry run, logrotate, log rotation,
    delete mode, no-secrets, is down by, is down to, is down from, are down by, are down to, are down from
  `),
]

/** How test reporters start or end the line of a test that passed; the rest of the line is the test's name. */
const PASSING_LINES = {
  starts: ['✓', '✔', '√', '--- PASS', 'PASS', 'Passed'],
  ends: ['... ok'],
}

/** The shipped lists. */
export const DEFAULT_HARD_STOPS = {
  access: [...ACCESS, ...ACCESS_SPEECH],
  security: [...SECURITY, ...SECURITY_SPEECH],
  production: [...PRODUCTION, ...PRODUCTION_SPEECH],
  irreversible: [...IRREVERSIBLE, ...IRREVERSIBLE_SPEECH],
  except: EXCEPT,
  passingLines: PASSING_LINES,
} as const
