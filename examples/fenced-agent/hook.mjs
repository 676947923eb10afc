/** Refuses every connection of this Node process but those to the gateway. Programs that it starts inherit it with NODE_OPTIONS. */
import dgram from 'node:dgram'
import { Socket } from 'node:net'

const gateway = JSON.parse(process.env.SPILLWAY_FENCE)
const connect = Socket.prototype.connect
Socket.prototype.connect = function (...given) {
  // Callers inside of Node pass their arguments as one list.
  const args = Array.isArray(given[0]) ? given[0] : given
  const target = typeof args[0] === 'object' && args[0] !== null ? args[0] : { port: args[0], host: args[1] }
  const isGateway = Number(target.port) === gateway.port && (target.host ?? 'localhost') === gateway.host
  if (isGateway || target.path !== undefined) return connect.apply(this, given)
  const error = Object.assign(new Error(`${target.host ?? 'localhost'}:${target.port} is outside of the fence`), {
    code: 'EFENCED',
  })
  process.nextTick(() => this.destroy(error))
  return this
}
dgram.Socket.prototype.send = () => {
  throw Object.assign(new Error('datagrams are outside of the fence'), { code: 'EFENCED' })
}
