/** What administrators set for INCLUDE, as an expansion takes it. */
import type { ExpandOptions } from './build/dockerfile/index.ts';
import type { ConfigOf } from './config.ts';

type IncludeConfig = ConfigOf<
  'includeDepth' | 'includeFiles' | 'includeFileSize' | 'includeTotalSize' | 'includeFrontends'
>;

export function includeOptions(
  config: IncludeConfig,
): Pick<ExpandOptions, 'limits' | 'otherFrontends'> {
  return {
    limits: {
      depth: config.includeDepth,
      includes: config.includeFiles,
      fileSize: config.includeFileSize * 1024,
      totalSize: config.includeTotalSize * 1024,
    },
    otherFrontends: config.includeFrontends,
  };
}
