/** INCLUDE for the rest of the build station: expansion, templates, the line map and diagnostics. */

export { declaredArgs } from './args.ts';
export { missingCopySources } from './copy-sources.ts';
export { type Diagnostic, FetchError, IncludeError, renderDiagnostic } from './diagnostic.ts';
export {
  defaultFrontends,
  type ExpandOptions,
  type Expansion,
  expandDockerfile,
} from './expand.ts';
export { type ExpandFileOptions, expandFile, findRoot } from './expand-file.ts';
export type { ProjectTree, Sources, Tree } from './fetch.ts';
export { namedImages } from './images.ts';
export {
  type Instruction,
  instructionText,
  parseDockerfile,
  splitInstructions,
} from './instructions.ts';
export { defaultLimits, type Limits } from './limits.ts';
export { followLink, isSubmodule, MOST_LINKS, tooManyLinks } from './links.ts';
export { type ProjectSource, resolvePath } from './source.ts';
export {
  type Origin,
  originOf,
  renderOrigin,
  type TracedOrigin,
  type TracedRun,
} from './source-map.ts';
export type { Included } from './splice.ts';
export { createTemplates, joinTemplates, type TemplateSource } from './templates.ts';
export { parseNotices } from './version-notices.ts';
export {
  type ContentView,
  type DiagnosticView,
  formatExpansion,
  viewOfContent,
  viewOfDiagnostic,
} from './view.ts';
