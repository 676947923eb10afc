/** Private data that can be found in a text. */

/** Personal data that can be known by its form. */
export const IDENTIFIER_KINDS = ['email', 'phone', 'card', 'iban', 'national_id', 'ip', 'mac'] as const
export type IdentifierKind = (typeof IDENTIFIER_KINDS)[number]

/** Personal data that is known by what stands beside it; without a model a part of it is missed. */
export const PERSON_KINDS = ['birth_date', 'address', 'name'] as const
export type PersonKind = (typeof PERSON_KINDS)[number]

/** What `privacy.redact` may name. */
export const PRIVATE_KINDS = ['secret', ...IDENTIFIER_KINDS, ...PERSON_KINDS] as const
export type PrivateKind = (typeof PRIVATE_KINDS)[number]
