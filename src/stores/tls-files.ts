/** Reads the certificates and keys that the policy names, with the policy: a wrong file stops the start, not the hundredth request. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ModelPolicy } from '../spec/policy.ts'
import type { TlsFiles } from '../spec/tls.ts'

export interface TlsProblem {
  /** The key of `tls` that is wrong. */
  readonly part: keyof TlsFiles
  readonly problem: string
  readonly fix: string
}

/** @param folder of the policy file, which relative paths start from */
export function readTlsFiles(tls: NonNullable<ModelPolicy['tls']>, folder: string): TlsFiles | TlsProblem {
  const files: { ca?: string; cert?: string; key?: string } = {}
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = tls[part]
    if (path === undefined) continue
    const file = resolve(folder, path)
    try {
      files[part] = readFileSync(file, 'utf8')
    } catch {
      return { part, problem: `${file} cannot be read`, fix: 'Correct the path, or remove the key.' }
    }
  }
  return problemIn(files) ?? files
}

function problemIn({ ca, cert, key }: TlsFiles): TlsProblem | null {
  if (ca !== undefined && !areCertificates(ca))
    return { part: 'ca', problem: 'it holds no certificate', fix: CERTIFICATE_FIX }
  if (cert === undefined && key === undefined) return null
  if (cert === undefined) return { part: 'key', problem: 'there is no cert that it belongs to', fix: 'Name both.' }
  if (!areCertificates(cert)) return { part: 'cert', problem: 'it holds no certificate', fix: CERTIFICATE_FIX }
  if (key === undefined) return { part: 'cert', problem: 'there is no key that belongs to it', fix: 'Name both.' }
  return keyProblem(cert, key)
}

function keyProblem(cert: string, key: string): TlsProblem | null {
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return null
    return {
      part: 'key',
      problem: 'it is not the key of cert',
      fix: 'Name the key that the certificate was made with.',
    }
  } catch {
    return {
      part: 'key',
      problem: 'it holds no private key that can be read without a password',
      fix: 'Name a PEM file with the key, as `openssl pkey` writes it.',
    }
  }
}

const CERTIFICATE_FIX = 'Name a PEM file with one or more certificates.'

/** Every one of them, not only the first. */
function areCertificates(text: string): boolean {
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  try {
    for (const one of found) new X509Certificate(one)
  } catch {
    return false
  }
  return found.length > 0
}
