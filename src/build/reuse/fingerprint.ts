/** The fingerprint of an image: equal ones were made of the same in every respect, so one image serves all. */
import { createHash } from 'node:crypto';
import type { BuilderKind } from '../image/builder-choice.ts';

/** Changes whenever what follows, or how images are made, does. */
const formatVersion = 2;

/** All that an image is made of. */
export interface FingerprintParts {
  /** As INCLUDE expanded it, and its path from the repository's root. */
  dockerfile: { path: string; bytes: Buffer };
  /** Images from elsewhere, as the Dockerfile names them, with the digests of their configurations. */
  bases: Record<string, string>;
  /** Those that the Dockerfile declares. */
  args: Record<string, string>;
  labels: Record<string, string>;
  target?: string | undefined;
  /** Such as `linux/amd64`. */
  platform: string;
  /** Each gives other values to TARGETARCH and its like, another owner to WORKDIR, and more that no Dockerfile shows. */
  builder: BuilderKind;
  /** Folder of the context from the repository's root. */
  context: string;
  /** What is visible of the context, one line an entry: mode, git's id, path. */
  entries: string[];
}

/** A tag for the image, which no two images of different parts share. */
export function fingerprintOf(parts: FingerprintParts): string {
  const { dockerfile, bases, args, labels, target, platform, builder, context, entries } = parts;
  const written = [
    formatVersion,
    [dockerfile.path, createHash('sha256').update(dockerfile.bytes).digest('hex')],
    ...[bases, args, labels].map(sorted),
    ...[target ?? null, platform, builder, context, [...entries].sort()],
  ];
  const hash = createHash('sha256').update(JSON.stringify(written)).digest('hex');
  return `fp-${hash.slice(0, 32)}`;
}

/** True for a tag that `fingerprintOf` made. */
export function isFingerprint(tag: string): boolean {
  return /^fp-[0-9a-f]{32}$/.test(tag);
}

function sorted(record: Record<string, string>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}
