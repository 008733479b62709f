/** The settings of builds, a part of those in config.ts. */
import { z } from 'zod';
import { setting } from './config-reading.ts';
import { list, pairs, seconds, whole } from './config-values.ts';

export const buildSettings = {
  builder: setting(
    'EKIDEN_BUILDER',
    z.enum(['auto', 'buildkit', 'classic']).default('auto'),
    "Which of Docker's builders builds; auto asks the daemon, and takes BuildKit where there is one.",
  ),
  buildArgs: setting(
    'EKIDEN_BUILD_ARGS',
    pairs.default({}),
    'Build args for each Dockerfile that declares them, such as NODE_IMAGE=registry/node:20.',
  ),
  includeDepth: setting(
    'EKIDEN_INCLUDE_DEPTH',
    whole(1, 100).default(16),
    'Most INCLUDEs within each other.',
  ),
  includeFiles: setting(
    'EKIDEN_INCLUDE_FILES',
    whole(1, 10_000).default(100),
    'Most INCLUDEs that one Dockerfile may come to.',
  ),
  includeFileSize: setting(
    'EKIDEN_INCLUDE_FILE_SIZE',
    whole(1, 65_536).default(256),
    'Most KiB of one included file.',
  ),
  includeTotalSize: setting(
    'EKIDEN_INCLUDE_TOTAL_SIZE',
    whole(1, 65_536).default(1024),
    'Most KiB of an expanded Dockerfile.',
  ),
  includeFrontends: setting(
    'EKIDEN_INCLUDE_FRONTENDS',
    list.default(['dockerfile-x']),
    'Frontends with an INCLUDE of their own, by a part of their name in # syntax=, separated by commas.',
  ),
  templatesProject: setting(
    'EKIDEN_TEMPLATES_PROJECT',
    z
      .string()
      .regex(/^[\w.-]+(\/[\w.-]+)+$/, 'is not group/project')
      .optional(),
    'Project in GitLab, as group/project, whose tags are versions of templates; they go before those delivered.',
  ),
  buildSlots: setting(
    'EKIDEN_BUILD_SLOTS',
    whole(1, 64).default(2),
    'Builds that one build role runs at a time.',
  ),
  buildMemory: setting(
    'EKIDEN_BUILD_MEMORY',
    whole(64).optional(),
    'Most MiB of memory for one build; with BuildKit for all builds of the host together, times EKIDEN_BUILD_SLOTS.',
  ),
  buildCpus: setting(
    'EKIDEN_BUILD_CPUS',
    z.coerce
      .number('is no number')
      .min(0.01, 'is below 0.01')
      .max(1_024, 'is above 1024')
      .optional(),
    'Most processors for one build, such as 1.5; with BuildKit as EKIDEN_BUILD_MEMORY.',
  ),
  buildFreeMemory: setting(
    'EKIDEN_BUILD_FREE_MEMORY',
    whole(0).default(256),
    'MiB of memory that must be free on the build host before a build begins.',
  ),
  buildFreeDisk: setting(
    'EKIDEN_BUILD_FREE_DISK',
    z
      .string('is neither MiB nor a share such as 5%')
      .regex(/^(\d{1,9}|\d{1,2}(\.\d+)?%)$/, 'is neither MiB nor a share such as 5%')
      .default('2048'),
    'MiB, or a share such as 5%, that must be free on the disks of a build host before a build begins.',
  ),
  archiveCache: setting(
    'EKIDEN_ARCHIVE_CACHE',
    whole(0).default(2048),
    'MiB of the data folder for archives of commits, by which builds ask GitLab less; 0 keeps none.',
  ),
  archiveRate: setting(
    'EKIDEN_ARCHIVE_RATE',
    whole(0).default(5),
    'Archives of a project that GitLab gives in a minute; further builds wait. 0 is for no limit.',
  ),
  archiveFormat: setting(
    'EKIDEN_ARCHIVE_FORMAT',
    z.enum(['auto', 'tar', 'tar.gz']).default('auto'),
    'How GitLab sends archives; auto takes tar, and tar.gz while that comes slowly.',
  ),
  buildLogMemory: setting(
    'EKIDEN_BUILD_LOG_MEMORY',
    whole(1).default(512),
    'MiB of Redis that the compressed logs of all builds may take; then the oldest go.',
  ),
  buildLogDays: setting(
    'EKIDEN_BUILD_LOG_DAYS',
    whole(1, 3_650).default(30),
    'Days that the log of a build is kept.',
  ),
  buildCache: setting(
    'EKIDEN_BUILD_CACHE',
    whole(0).optional(),
    "MiB that BuildKit's cache keeps when it is cleaned; it is that of the whole daemon, and left alone by default.",
  ),
  cleanEvery: setting(
    'EKIDEN_CLEAN_EVERY',
    whole(0, 8_760).default(24),
    'Hours between two cleanings of a build host and the registry; 0 cleans only when asked.',
  ),
  cleanAfter: setting(
    'EKIDEN_CLEAN_AFTER',
    whole(0, 87_600).default(168),
    'Hours for which the image of a build stays, whether a release needs it or not.',
  ),
  cleanKeep: setting(
    'EKIDEN_CLEAN_KEEP',
    whole(0, 1_000).default(2),
    'Newest images of each branch and tag that stay when all is cleaned.',
  ),
  buildTimeout: setting('EKIDEN_BUILD_TIMEOUT', seconds.default(3600), 'Seconds a build may take.'),
} as const;
