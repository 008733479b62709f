/** What the command line can do without any service: expand a Dockerfile, print the manifest's schema. */
import { join } from 'node:path';
import {
  expandFile,
  formatExpansion,
  IncludeError,
  renderDiagnostic,
} from './build/dockerfile/index.ts';
import { manifestJsonSchema } from './build/manifest-schema.ts';
import { templatesFolder } from './paths.ts';

export { manifestJsonSchema };

export interface ExpandOptions {
  file: string;
  /** Top of the repository. */
  root?: string;
  /** Answers JSON with the line map instead of the bytes. */
  map?: boolean;
}

/** The expansion as the command prints it, and its warnings. @throws IncludeError */
export async function expand({ file, root, map = false }: ExpandOptions) {
  const templatesDirectory = join(templatesFolder, 'dockerfiles');
  const expansion = await expandFile({ file, templatesDirectory, ...(root ? { root } : {}) });
  return {
    bytes: formatExpansion(expansion, { map }),
    warnings: expansion.warnings.map(renderDiagnostic),
  };
}

/** An error of INCLUDE with its excerpt, as people read it in a terminal. */
export function explain(error: unknown): string | undefined {
  return error instanceof IncludeError ? renderDiagnostic(error.diagnostic) : undefined;
}
