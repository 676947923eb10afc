/** What a service of this user is, and what each system is told to keep it running. Pure. */

export interface ServiceSpec {
  /** Absolute, all of them. */
  readonly node: string
  readonly program: string
  /** Words behind the program. */
  readonly args: readonly string[]
  /** Variables for the service, one `NAME=value` a line; it need not be there. Provider keys stand there. */
  readonly envFile: string
  /** Where the folders of this program were moved to, by the variables that moved them. */
  readonly env: Readonly<Record<string, string>>
  readonly home: string
}

/** One call of the system's own tool. */
export interface ToolCall {
  readonly tool: string
  readonly args: readonly string[]
  /** It is fine when it fails: there was nothing to stop. */
  readonly mayFail?: true
}

export interface ServiceFile {
  readonly path: string
  readonly text: string
  readonly encoding: 'utf8' | 'utf16le'
}

export interface ServiceManager {
  readonly name: 'systemd' | 'launchd' | 'task scheduler'
  file(spec: ServiceSpec): ServiceFile
  /** After the file was written: starts it now, or again, and with every login. */
  readonly start: readonly ToolCall[]
  readonly stop: readonly ToolCall[]
  /** After the file was removed. */
  readonly forget: readonly ToolCall[]
  /** Ends well while it runs. */
  readonly isActive: ToolCall
  /** One sentence about what people expect otherwise. */
  readonly note: string
}

/** Node reads the variables by itself, so that all three systems do it the same way. */
export function commandOf({ node, envFile, program, args }: ServiceSpec): readonly string[] {
  return [node, `--env-file-if-exists=${envFile}`, program, ...args]
}
