import { fileURLToPath } from 'node:url'

/** The file of a program that is started in a process of its own: source while developing, compiled when packaged. */
export function programFile(name: 'host-main' | 'self-test'): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return fileURLToPath(new URL(`./${name}${extension}`, import.meta.url))
}
