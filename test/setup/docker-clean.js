/** Removes from a Docker daemon what a run made there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { labelled } from './docker-api.js';

/** Images that stay: made by the set-up, the same for every run. */
export const baseRepository = 'ekiden-base';

const attempts = 20;
const pauseMs = 250;
const dockersOwn = ['bridge', 'host', 'none'];

/**
 * Removes the containers, networks, volumes and images that carry the label of `install`, or of an install that a test
 * of it made: `<install>-…`.
 */
export async function removeInstall(api, install) {
  const isOurs = ({ Labels }) => {
    const made = Labels?.['ekiden.install'] ?? '';
    return made === install || made.startsWith(`${install}-`);
  };
  await removeUntilNoneIsLeft(api, { query: labelled('ekiden.install'), isOurs });
}

/** Removes everything but the base images: for a daemon that nobody but Ekiden uses. */
export async function removeEverything(api) {
  await removeUntilNoneIsLeft(api, { query: '', isOurs: () => true });
  await api.post('/build/prune?all=1');
}

/** In this order, since a container holds its networks, volumes and image. */
const kinds = [
  { list: '/containers/json', all: 'all=1&', path: ({ Id }) => `/containers/${Id}?force=1&v=1` },
  {
    list: '/networks',
    path: ({ Id, Name }) => (dockersOwn.includes(Name) ? undefined : `/networks/${Id}`),
  },
  {
    list: '/volumes',
    items: (answer) => answer.Volumes,
    path: ({ Name }) => `/volumes/${Name}?force=1`,
  },
  {
    list: '/images/json',
    path: ({ Id, RepoTags }) => (isBase(RepoTags) ? undefined : `/images/${Id}?force=1`),
  },
];

function isBase(tags) {
  return tags?.some((tag) => tag.startsWith(`${baseRepository}/`)) ?? false;
}

/** One removal can fail because another is still under way, so each kind is listed again until it is empty. */
async function removeUntilNoneIsLeft(api, { query, isOurs }) {
  for (const kind of kinds) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answer = await api.get(`${kind.list}?${kind.all ?? ''}${query}`);
      const items = (kind.items?.(answer) ?? answer ?? []).filter(isOurs);
      const paths = items.map(kind.path).filter(Boolean);
      if (paths.length === 0) break;
      if (attempt > 0) await sleep(pauseMs);
      await Promise.allSettled(paths.map((path) => api.remove(path)));
    }
  }
}
