/**
 * The one place where a connection to another machine is opened. Whoever wants one says beforehand which origins it may
 * go to and where their names may lead; a name is resolved once, checked, and exactly the checked addresses are dialled.
 */
import dns from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { RequestInit, Response } from 'undici'
import buildConnector from 'undici/lib/core/connect.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import { onThisMachine } from '../spec/destination.ts'
import { RouterError } from '../spec/errors.ts'
import type { TlsFiles } from '../spec/tls.ts'
import { type Place, placeOf } from './addresses.ts'
import { openTunnel } from './tunnel.ts'

/**
 * Where a name may lead. `this_machine`: here and nowhere else. `public`: to no private network and not here.
 * `private_network`: also to those. `as_written`: the address itself was written down, there is no name.
 */
export type Reach = 'this_machine' | 'public' | 'private_network' | 'as_written'

export interface DoorSettings {
  /** @returns null for an origin (`https://host:port`, the usual port left out) that is not allowed */
  readonly reachOf: (origin: string) => Reach | null
  /** Milliseconds until a half-open connection is given up. */
  readonly connectMs: number
  /** Hears of every address that is about to be dialled. */
  readonly onPlace?: (place: Place) => void
  /** Through which everything goes, but for this machine. It resolves the names, so where they lead is not checked here. */
  readonly proxy?: URL | null | undefined
  readonly tls?: TlsFiles | undefined
}

/** What the writer of an address has allowed by writing it. */
export function reachOfUrl(url: URL, privateNetwork: boolean): Reach {
  if (onThisMachine(url.href)) return 'this_machine'
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return 'as_written'
  return privateNetwork ? 'private_network' : 'public'
}

/**
 * Connections through it fail with `destination_refused` before anything is sent when the origin or the address behind
 * its name is not allowed. It reads no proxy variable, and no variable weakens its TLS.
 */
export function createDoor(settings: DoorSettings, options: Agent.Options = {}): Agent {
  const connectors = new Map<Reach, buildConnector.connector>()
  const connectorFor = (reach: Reach): buildConnector.connector => {
    const connector = connectors.get(reach) ?? connectorOf(reach, settings)
    connectors.set(reach, connector)
    return connector
  }
  return new Agent({
    ...options,
    connect: (target, callback) => {
      const { protocol, hostname, host = hostname } = target
      const reach = settings.reachOf(`${protocol}//${host}`)
      const literal = isIP(hostname) === 0 ? null : hostname
      const refusal =
        reach === null
          ? refused(host, 'it is not among the destinations that were configured', 'Name it in the policy.')
          : literal !== null && !isWithin(placeOf(literal), reach)
            ? wrongPlace(host, literal, reach)
            : null
      if (refusal || reach === null) return callback(refusal ?? new Error('refused'), null)
      if (literal !== null) settings.onPlace?.(placeOf(literal))
      if (!settings.proxy || reach === 'this_machine') return connectorFor(reach)(target, callback)
      throughProxy(settings.proxy, { target, settings, connect: connectorFor(reach) }).then(({ socket, error }) =>
        error ? callback(error, null) : socket && callback(null, socket),
      )
    },
  })
}

/** A half-open connection of `fetchFrom` is given up after this. */
const FETCH_CONNECT_MS = 10_000

export interface FetchSettings {
  /** Default: what writing the address allows, a private network included. */
  readonly reach?: Reach
  readonly onPlace?: (place: Place) => void
  readonly proxy?: URL | null
}

/**
 * One request to an address that the operator wrote: nothing else is dialled for it, and redirects are not followed.
 *
 * @throws what `fetch` throws; its cause is the `destination_refused` of the door
 */
export async function fetchFrom(url: URL, init: RequestInit, settings: FetchSettings = {}): Promise<Response> {
  const { reach = reachOfUrl(url, true), onPlace, proxy = null } = settings
  const reachOf = (origin: string): Reach | null => (origin === url.origin ? reach : null)
  const door = createDoor(
    { reachOf, connectMs: FETCH_CONNECT_MS, proxy, ...(onPlace && { onPlace }) },
    // Nobody else uses the connection, so it ends with the answer.
    { pipelining: 0 },
  )
  // A server may never need it, and it is most of the library.
  const { fetch } = await import('undici')
  return fetch(url, { redirect: 'manual', ...init, dispatcher: door })
}

interface Tunnelled {
  readonly target: buildConnector.Options
  readonly settings: DoorSettings
  readonly connect: buildConnector.connector
}

/** @returns a socket on which the destination hears us first, or why there is none */
async function throughProxy(
  proxy: URL,
  { target, settings, connect }: Tunnelled,
): Promise<{ readonly socket?: Socket; readonly error?: Error }> {
  const { hostname, host = hostname, port, protocol } = target
  const authority = port ? host : `${host}:${protocol === 'https:' ? 443 : 80}`
  const lookup = checkedLookup(reachOfUrl(proxy, true), settings.onPlace)
  try {
    const httpSocket = await openTunnel({ proxy, authority, lookup, timeoutMs: settings.connectMs })
    if (protocol !== 'https:') return { socket: httpSocket }
    return await new Promise((resolve) => {
      connect({ ...target, httpSocket }, (error, socket) => resolve(error ? { error } : { socket }))
    })
  } catch (error) {
    return { error: error instanceof Error ? error : new Error('the tunnel failed') }
  }
}

function connectorOf(reach: Reach, { connectMs, onPlace, tls }: DoorSettings): buildConnector.connector {
  return buildConnector({
    ...tls,
    timeout: connectMs,
    // One answer a socket: on HTTP/2 a stalled answer shares its fate with its neighbours.
    allowH2: false,
    // Stated so that an environment variable cannot switch certificate checks off.
    rejectUnauthorized: true,
    lookup: checkedLookup(reach, onPlace),
  })
}

/** One wrong address among several is enough: which of them a second look would give is up to the name server. */
function checkedLookup(reach: Reach, onPlace: DoorSettings['onPlace']): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const wrong = addresses.find(({ address }) => !isWithin(placeOf(address), reach))
      if (wrong) return callback(wrongPlace(hostname, wrong.address, reach), '', 0)
      for (const { address } of addresses) onPlace?.(placeOf(address))
      const [first] = addresses
      if (options.all) callback(null, addresses)
      else callback(null, first?.address ?? '', first?.family ?? 0)
    })
  }
}

function isWithin(place: Place, reach: Reach): boolean {
  if (reach === 'as_written') return true
  if (reach === 'this_machine') return place === 'this_machine'
  if (reach === 'public') return place === 'public'
  return place !== 'never'
}

const PLACE_WORDS: Readonly<Record<Place, string>> = {
  this_machine: 'an address of this machine',
  private_network: 'an address of a private network',
  never: 'a link-local, metadata or otherwise unusable address',
  public: 'an address of another machine',
}

function wrongPlace(host: string, address: string, reach: Reach): RouterError {
  const problem = `${host === address ? 'it is' : `the name leads to ${address},`} ${PLACE_WORDS[placeOf(address)]}`
  const fix =
    reach === 'public' && placeOf(address) !== 'never'
      ? 'Write the address itself as baseUrl, or privateNetwork: true beside it, when that is meant.'
      : 'Mend the name, or write the address itself as baseUrl.'
  return refused(host, problem, fix)
}

function refused(host: string, problem: string, fix: string): RouterError {
  return new RouterError('destination_refused', { host, problem, fix })
}
