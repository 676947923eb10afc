/** Inside the network of its own: puts the gateway where it is outside, and runs the command. `node inside.mjs <socket file> -- <command>` */
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

const [path, , ...command] = process.argv.slice(2)
const { host, port } = JSON.parse(process.env.SPILLWAY_FENCE)
const relay = createServer((program) => {
  const gateway = connect(path)
  program.on('error', () => gateway.destroy())
  gateway.on('error', () => program.destroy())
  program.pipe(gateway).pipe(program)
})
relay.listen(port, host, () => {
  const child = spawn(command[0], command.slice(1), { stdio: 'inherit' })
  child.once('error', (error) => {
    console.error(error.message)
    process.exit(127)
  })
  child.once('close', (code) => process.exit(code ?? 1))
})
