/** A user unit of systemd. */
import { join } from 'node:path'
import { commandOf, type ServiceManager, type ServiceSpec, type ToolCall } from './managed-service.ts'

const UNIT = 'spillway.service'

/** @param configHome `$XDG_CONFIG_HOME` or `~/.config`, where systemd itself looks */
export function systemd(configHome: string): ServiceManager {
  return {
    name: 'systemd',
    file: (spec) => ({ path: join(configHome, 'systemd', 'user', UNIT), text: unitText(spec), encoding: 'utf8' }),
    start: [user('daemon-reload'), user('enable', UNIT), user('restart', UNIT)],
    stop: [{ ...user('disable', '--now', UNIT), mayFail: true }],
    forget: [user('daemon-reload')],
    isActive: user('is-active', '--quiet', UNIT),
    note: 'It runs while you are logged in; `loginctl enable-linger` keeps it running without.',
  }
}

function user(...args: readonly string[]): ToolCall {
  return { tool: 'systemctl', args: ['--user', ...args] }
}

/** Answers under way have 30 s to end, and then are broken off. */
const STOP_SECONDS = 45

function unitText(spec: ServiceSpec): string {
  const environment = Object.entries(spec.env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`)
  return [
    '[Unit]',
    'Description=Spillway gateway',
    '',
    '[Service]',
    `ExecStart=${commandOf(spec).map(quoted).join(' ')}`,
    `WorkingDirectory=${spec.home.replaceAll('%', '%%')}`,
    ...environment,
    'Restart=on-failure',
    'RestartSec=2',
    'KillMode=mixed',
    `TimeoutStopSec=${STOP_SECONDS}`,
    'UMask=0077',
    'NoNewPrivileges=yes',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n')
}

/** @see systemd.service(5), command lines; systemd.unit(5), specifiers */
function quoted(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`
}
