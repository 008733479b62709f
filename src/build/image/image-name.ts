/** Names of images in the registry. */
import { createHash } from 'node:crypto';
import { shortRef, shortSha } from '../../core/ref.ts';

const tagLimit = 128;

/** Longest name of a repository, the registry's own part included. */
const nameLimit = 255;

/** `<registry>/<project path>`, in the alphabet that registries allow. */
export function repositoryOf(registry: string, projectPath: string): string {
  const parts = projectPath.toLowerCase().split('/').map(toComponent);
  const name = [registry.replace(/\/+$/, ''), ...parts].join('/');
  if (name.length <= nameLimit) return name;
  const end = `-${hash(name)}`;
  return name.slice(0, nameLimit - end.length).replace(/[^a-z0-9]+$/, '') + end;
}

/** Tag of a commit, `sha-` and its first twelve digits. */
export function shaTag(sha: string): string {
  return `sha-${shortSha(sha)}`;
}

/** Tag of a branch or tag, so that its newest image can be found by name. */
export function refTag(ref: string): string {
  const slug = shortRef(ref)
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[-.]+/, '');
  return (slug || 'ref').slice(0, tagLimit);
}

/** Separators may neither lead nor end a component nor follow each other; a hash keeps changed names apart. */
function toComponent(name: string): string {
  const clean = name
    .replace(/[^a-z0-9]{2,}|[^a-z0-9._-]/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return clean === name ? name : `${clean || 'x'}-${hash(name)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}
