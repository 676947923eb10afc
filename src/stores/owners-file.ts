/** Files in the state directory name tenants and users: they are for their owner alone. */
import { chmodSync, closeSync, openSync } from 'node:fs'

/** Makes the file where there is none; what SQLite lays beside it gets the same mode. */
export function makeOwners(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}
