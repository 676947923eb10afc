/** How many declaration files stayed in the package's `dist` and how many went. */
export function pruneDeclarations(
  root: string,
  manifest: { readonly exports: Readonly<Record<string, string | { readonly types: string }>> },
): { readonly kept: number; readonly removed: number }
