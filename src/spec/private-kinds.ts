/** Private data that can be known by its form. */

/** Personal data. */
export const IDENTIFIER_KINDS = ['email', 'phone', 'card', 'iban', 'national_id', 'ip'] as const
export type IdentifierKind = (typeof IDENTIFIER_KINDS)[number]

/** What `privacy.redact` may name. */
export const PRIVATE_KINDS = ['secret', ...IDENTIFIER_KINDS] as const
export type PrivateKind = (typeof PRIVATE_KINDS)[number]
