/** Writes down every connection that this process tries to open, and every name it looks up. */
import dns, { type LookupAddress } from 'node:dns'
import { Socket } from 'node:net'

export interface DialRecorder extends Disposable {
  /** `address:port` of every attempt over TCP, TLS included, in order. */
  readonly dials: readonly string[]
  /** Names that were looked up, in order. */
  readonly lookups: readonly string[]
  /** Answers the lookups of a name, one list of addresses each; the last one again. Other names are unknown. */
  answer(name: string, ...addresses: readonly (readonly string[])[]): void
}

/** Takes the place of `dns.lookup` and looks at `Socket.prototype.connect` until it is disposed of. */
export function recordDials(): DialRecorder {
  const dials: string[] = []
  const lookups: string[] = []
  const answers = new Map<string, (readonly string[])[]>()
  const connect = Socket.prototype.connect
  const lookup = dns.lookup
  Socket.prototype.connect = function watched(this: Socket, ...args: never[]) {
    this.on('connectionAttempt', (address: string, port: number) => void dials.push(`${address}:${port}`))
    return Reflect.apply(connect, this, args)
  } as typeof connect
  const answered = (
    name: string,
    options: { readonly all?: boolean },
    callback: (error: Error | null, address: string | readonly LookupAddress[], family?: number) => void,
  ): void => {
    lookups.push(name)
    const left = answers.get(name) ?? []
    const found = (left.length > 1 ? left.shift() : left[0])?.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }))
    const [first] = found ?? []
    if (!found || !first) callback(Object.assign(new Error(`no such name: ${name}`), { code: 'ENOTFOUND' }), '', 0)
    else if (options.all) callback(null, found)
    else callback(null, first.address, first.family)
  }
  dns.lookup = answered as unknown as typeof dns.lookup
  return {
    dials,
    lookups,
    answer: (name, ...addresses) => void answers.set(name, [...addresses]),
    [Symbol.dispose]: () => {
      Socket.prototype.connect = connect
      dns.lookup = lookup
    },
  }
}
