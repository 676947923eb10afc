/**
 * The shipped hard-stop data. Whole terms, case-folded, matched on a normalised copy of the text; `*` ends a term with
 * any word characters. `except` lists phrases in which a term is harmless. A policy may replace any list.
 */
export const DEFAULT_HARD_STOPS = {
  access: ['401', '403', 'token', 'permission', 'credential', 'credentials', 'scope', 'SSO', 'registry auth'],
  security: ['secret', '.env', '.pem', 'id_rsa', 'CVE-*', 'vulnerability', 'security advisory', 'auth', 'access policy'],
  production: ['production customer', 'prod data', 'live incident'],
  irreversible: ['deploy', 'delete', 'migrate', 'rotate'],
  except: ['unexpected token'],
} as const
