/** A task of Windows that runs from login on. */
import { win32 } from 'node:path'
import { commandOf, type ServiceManager, type ServiceSpec, type ToolCall } from './managed-service.ts'
import { xmlText } from './xml-text.ts'

const TASK = 'Spillway'

/** @param folder of ours, where the definition is kept */
export function windowsTask(folder: string): ServiceManager {
  const path = win32.join(folder, 'service.xml')
  const end = { ...task('/End'), mayFail: true } as const
  return {
    name: 'task scheduler',
    file: (spec) => ({ path, text: taskXml(spec), encoding: 'utf16le' }),
    start: [end, task('/Create', '/XML', path, '/F'), task('/Run')],
    stop: [end, { ...task('/Delete', '/F'), mayFail: true }],
    forget: [],
    isActive: task('/Query'),
    note: 'It runs while you are logged in, in a console window of its own; variables of its own are those of your account.',
  }
}

function task(verb: string, ...args: readonly string[]): ToolCall {
  return { tool: 'schtasks', args: [verb, '/TN', TASK, ...args] }
}

/** @see the schema of Task Scheduler 1.2 */
function taskXml(spec: ServiceSpec): string {
  const [node = '', ...words] = commandOf(spec)
  return [
    '\uFEFF<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    '  <RegistrationInfo>',
    '    <Description>Spillway gateway</Description>',
    '  </RegistrationInfo>',
    '  <Triggers>',
    '    <LogonTrigger>',
    '      <Enabled>true</Enabled>',
    '    </LogonTrigger>',
    '  </Triggers>',
    '  <Principals>',
    '    <Principal id="Author">',
    '      <LogonType>InteractiveToken</LogonType>',
    '      <RunLevel>LeastPrivilege</RunLevel>',
    '    </Principal>',
    '  </Principals>',
    '  <Settings>',
    '    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>',
    '    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>',
    '    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>',
    '    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>',
    '    <RestartOnFailure>',
    '      <Interval>PT1M</Interval>',
    '      <Count>100</Count>',
    '    </RestartOnFailure>',
    '  </Settings>',
    '  <Actions Context="Author">',
    '    <Exec>',
    `      <Command>${xmlText(node)}</Command>`,
    `      <Arguments>${xmlText(words.map(quoted).join(' '))}</Arguments>`,
    `      <WorkingDirectory>${xmlText(spec.home)}</WorkingDirectory>`,
    '    </Exec>',
    '  </Actions>',
    '</Task>',
    '',
  ].join('\r\n')
}

/** As the C runtime splits a command line: backslashes count only before a quote. */
function quoted(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`
}
