/** Certificates made by openssl in a temp folder, for servers and clients of one test file. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export interface Certificates {
  readonly folder: string
  /** Writes `<name>.key` and `<name>.pem`, an authority. */
  authority(name: string): void
  /** Writes `<name>.key` and `<name>.pem`, signed by an authority, for names such as `DNS:a.test,IP:127.0.0.1`. */
  signed(name: string, by: string, names: string): void
  path(file: string): string
  remove(): void
}

export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-certificates-'))
  const openssl = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  const fresh = ['-newkey', 'rsa:2048', '-nodes'] as const
  return {
    folder,
    authority: (name) =>
      openssl(
        'req',
        '-x509',
        ...fresh,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
      ),
    signed(name, by, names) {
      openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`)
      const own = [
        '-CA',
        `${by}.pem`,
        '-CAkey',
        `${by}.key`,
        '-CAcreateserial',
        '-extfile',
        `${name}.ext`,
        '-days',
        '2',
      ]
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...own)
    },
    path: (file) => join(folder, file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
