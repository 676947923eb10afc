/** Stack traces: which of their frames are the project's own, and which of libraries. Pure. */

/** `own` stands; a fold leaves out `count` frames in `lines` lines from here, and 0 marks what an earlier fold leaves out. */
export type Frame = 'own' | { readonly count: number; readonly lines: number } | null

const FRAMES: readonly RegExp[] = [
  /^\s+at \S.*/, // JavaScript, Java, .NET
  /^\s+File "[^"]+", line \d+/, // Python
  /^\s+\d+: +(?:0x[0-9a-f]+ - )?\S+::\S+/, // Rust
  /^\s+from \S+:\d+:in /, // Ruby
  /^#\d+\s+(?:0x[0-9a-f]+ )?in? ?\S+\s*\(/, // gdb
  /^\t\S+\.go:\d+/, // Go
]

const LIBRARIES =
  /node_modules|node:|\(internal\/|site-packages|dist-packages|[/\\]lib[/\\]python\d|\b(?:java|javax|jdk|sun|kotlin|scala|org\.junit|org\.gradle|org\.apache\.maven|org\.springframework|io\.netty|reactor|System|Microsoft|Xunit|NUnit)\.|\.cargo[/\\]registry|\/rustc\/|\b(?:std|core|alloc|tokio)::|[/\\]usr[/\\]lib|vendor[/\\]bundle|[/\\]gems[/\\]|[/\\]go[/\\]pkg[/\\]mod|[/\\]go[/\\]src[/\\](?:runtime|testing)|<anonymous>|_pytest|unittest[/\\]/

/** One library frame alone costs no more than its description. */
const MIN_FOLD = 2

/** @param isFixed lines that stand in any case */
export function foldFrames(lines: readonly string[], isFixed: (at: number) => boolean): readonly Frame[] {
  const found: Frame[] = lines.map(() => null)
  let at = 0
  while (at < lines.length) {
    const run = libraryRun(lines, at, isFixed)
    if (run.frames >= MIN_FOLD) {
      for (let inside = at; inside < run.end; inside += 1) found[inside] = { count: 0, lines: 0 }
      found[at] = { count: run.frames, lines: run.end - at }
    } else if (isFrame(lines[at] ?? '')) found[at] = 'own'
    at = Math.max(run.frames >= MIN_FOLD ? run.end : 0, at + 1)
  }
  return found
}

function libraryRun(
  lines: readonly string[],
  from: number,
  isFixed: (at: number) => boolean,
): { readonly frames: number; readonly end: number } {
  let frames = 0
  let end = from
  while (end < lines.length && !isFixed(end)) {
    const line = lines[end] ?? ''
    if (!isFrame(line) || !LIBRARIES.test(line)) break
    frames += 1
    end += 1
    // Python prints the source of a frame below it.
    if (/^\s+File "/.test(line) && /^\s{4,}\S/.test(lines[end] ?? '') && !isFrame(lines[end] ?? '') && !isFixed(end))
      end += 1
  }
  return { frames, end }
}

function isFrame(line: string): boolean {
  return line.length < 2000 && FRAMES.some((form) => form.test(line))
}
