/** Namespaces around a command: its own processes, no network, a read-only system with empty private folders. Linux with util-linux. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the command finds itself. */
export const SANDBOX_FOLDER = '/tmp/check'

/**
 * Run as root of a user namespace, in the working directory; arguments: the program, how many folders to empty, those folders, then
 * the arguments of the program. Private folders become empty, every mount but the working directory becomes read-only, and the
 * command runs in a second user namespace, as nobody's root: it can take none of that back.
 */
const SCRIPT = `set -e
program=$1; count=$2; shift 2
: > .program
mount -n --bind "$program" .program
mount -n -t tmpfs -o size=64k,mode=0755 none /tmp
mkdir ${SANDBOX_FOLDER}
mount -n -c --rbind . ${SANDBOX_FOLDER}
cd ${SANDBOX_FOLDER}
while [ "$count" -gt 0 ]; do
  if [ -d "$1" ]; then mount -n -t tmpfs -o size=4k,mode=0555 none "$1"; fi
  shift; count=$((count - 1))
done
while read -r _ _ _ _ point _; do
  point=$(printf %b "$point"); [ -e "$point" ] || continue
  case "$point" in ${SANDBOX_FOLDER}|/proc|/proc/*) ;; *) mount -n -o remount,bind,ro "$point" ;; esac
done < /proc/self/mountinfo
mount -n -t proc proc /proc
exec unshare --user --map-user=1000 --map-group=1000 -- ${SANDBOX_FOLDER}/.program "$@"`

const NAMESPACES = '--user --map-root-user --mount --pid --net --ipc --uts --fork --kill-child=KILL'.split(' ')

/** Hold what is private on a usual system, beside the user's own folder. */
const PRIVATE_FOLDERS = ['/home', '/root', '/run', '/var/tmp', '/dev/shm']

/**
 * @param program absolute path of an executable
 * @param hidden further folders to empty, for example those of this package's state
 * @returns program and arguments that run it shut in
 */
export function sandboxed(
  [program = '', ...rest]: readonly string[],
  hidden: readonly string[],
): readonly [string, readonly string[]] {
  const folders = [...new Set([...hidden, ...PRIVATE_FOLDERS])].filter(
    (folder) => folder !== '/' && !`${folder}/`.startsWith('/tmp/'),
  )
  const own = [program, String(folders.length), ...folders, ...rest]
  return ['unshare', [...NAMESPACES, 'sh', '-c', SCRIPT, 'sh', ...own]]
}

/** Null when commands can be shut in; else why not, as a clause. Tried once for each process. */
export function sandboxObstacle(): string | null {
  tried ??= { why: trial() }
  return tried.why
}

let tried: { readonly why: string | null } | undefined

function trial(): string | null {
  if (process.platform !== 'linux') return `${process.platform} has no user namespaces`
  const folder = mkdtempSync(join(tmpdir(), 'spillway-check-'))
  try {
    const [program, rest] = sandboxed(['/bin/sh', '-c', 'test ! -w /usr && test ! -e /root/*'], [])
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
    const { status, error, stderr } = spawnSync(program, rest, { cwd: folder, env, timeout: 10_000, encoding: 'utf8' })
    if (status === 0) return null
    const said = stderr?.trim().split('\n')[0]
    return error
      ? `unshare does not run (${error.message})`
      : `namespaces cannot be made (${said || `status ${status}`})`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
