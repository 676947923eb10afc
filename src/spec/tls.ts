/** What a connection to one model proves and believes, as PEM texts. Never logged, never in a digest. */
export interface TlsFiles {
  /** Authorities that are believed in place of those of the system. */
  readonly ca?: string
  /** Our own certificate, with what leads to its authority. */
  readonly cert?: string
  /** The private key of `cert`. */
  readonly key?: string
}
