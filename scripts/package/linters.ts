/** What publint and arethetypeswrong say about the packed package. */
import { readFileSync } from 'node:fs'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { filterProblems } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/**
 * How types are looked up by programs that can use the package: ES modules on Node, and bundlers. The package has no CommonJS
 * of its own: from there Node loads the ES modules, which its TypeScript of today knows and that of the linter does not.
 */
const LOOK_UPS = ['node16-esm', 'bundler'] as const

/**
 * @param installed the folder of the installed package: it holds what was packed and nothing else
 * @returns what publint says, from suggestions up, one line each
 */
export async function publintProblems(installed: string): Promise<readonly string[]> {
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false })
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
}

/** @returns problems of the types of any entry, one line each */
export async function typesWrongProblems(tarball: string): Promise<readonly string[]> {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))))
  if (analysis.types === false) return ['The package has no types.']
  const lines = LOOK_UPS.flatMap((resolutionKind) =>
    filterProblems(analysis, { resolutionKind }).map((problem) => `${resolutionKind}: ${JSON.stringify(problem)}`),
  )
  const unresolved = Object.entries(analysis.entrypoints).flatMap(([entry, { resolutions }]) =>
    LOOK_UPS.filter((kind) => resolutions[kind].resolution === undefined).map(
      (kind) => `${kind}: ${entry} has no types`,
    ),
  )
  return [...new Set([...lines, ...unresolved])]
}
