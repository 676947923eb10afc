/** Globs over document paths: `**` any folders, `*` any letters but `/`, `?` one letter but `/`. Pure. */

/**
 * Whether a path matches a glob as a whole. Case-insensitive, `\` counts as `/`, `./` in front and `.` or `..` folders
 * are resolved first, so that no spelling of a path escapes a rule. Time is at most glob length x path length.
 */
export function matchesGlob(path: string, glob: string): boolean {
  return matchParts(folders(glob), folders(path))
}

function folders(path: string): readonly string[] {
  const parts: string[] = []
  for (const part of path.normalize('NFKC').toLowerCase().replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

/** Greedy with one way back: the last `**` takes one folder more when what follows does not fit. */
function matchParts(glob: readonly string[], path: readonly string[]): boolean {
  let g = 0
  let p = 0
  let retryGlob = -1
  let retryPath = -1
  while (p < path.length) {
    const part = glob[g]
    if (part === '**') {
      retryGlob = g++
      retryPath = p
    } else if (part !== undefined && matchName(part, path[p] ?? '')) {
      g++
      p++
    } else if (retryGlob >= 0) {
      g = retryGlob + 1
      p = ++retryPath
    } else return false
  }
  return glob.slice(g).every((part) => part === '**')
}

function matchName(pattern: string, name: string): boolean {
  let p = 0
  let n = 0
  let retryPattern = -1
  let retryName = -1
  while (n < name.length) {
    if (pattern[p] === '*') {
      retryPattern = p++
      retryName = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++
      n++
    } else if (retryPattern >= 0) {
      p = retryPattern + 1
      n = ++retryName
    } else return false
  }
  return /^\**$/.test(pattern.slice(p))
}
