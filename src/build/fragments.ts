/** What administrators ask about fragments: which there are, who uses them, whom a new version touches. */
import { LRUCache } from 'lru-cache';
import { SetupError } from '../core/errors.ts';
import type {
  FragmentDetail,
  Fragments,
  FragmentUse,
  FragmentUses,
  FragmentVersion,
  TakenFragment,
} from '../core/fragment.ts';
import { chooseVersion, newestFirst, type TemplateSource } from './dockerfile/templates.ts';
import type { VersionNotices } from './dockerfile/version-notices.ts';

export interface FragmentsOptions {
  templates: TemplateSource;
  uses: FragmentUses;
}

/** As INCLUDE takes them: no path leads out of the folder of templates. */
const templateName = /^[a-z0-9][a-z0-9._-]*$/;

/** Templates may lie in GitLab, which is not asked anew for each who looks, in milliseconds. */
const freshFor = 10_000;
const mostKept = 1_000;

type Offer = Pick<FragmentDetail, 'versions' | 'problem'>;

export function createFragments({ templates, uses }: FragmentsOptions): Fragments {
  const known = new LRUCache<string, Offer>({
    max: mostKept,
    ttl: freshFor,
    fetchMethod: (name) => offerOf(templates, name),
  });

  const knownOffer = async (name: string) =>
    templateName.test(name) ? known.fetch(name) : undefined;

  async function find(name: string): Promise<FragmentDetail | undefined> {
    const offer = await knownOffer(name);
    return offer && { name, ...offer, count: await uses.count(name) };
  }

  return {
    find,
    async list() {
      const names = ((await templates.names?.()) ?? []).sort();
      const found = await Promise.all(names.map(find));
      return found.filter((detail) => detail !== undefined);
    },
    // Beside the templates other files may lie, which are not for everybody.
    readme: async (name) => ((await knownOffer(name)) ? templates.readme?.(name) : undefined),
    count: (name) => uses.count(name),
    async users(name, { version, ...paging }) {
      const page = await uses.list(name, paging);
      const fragment = version === undefined ? undefined : await find(name);
      const available = (fragment?.versions ?? []).flatMap((each) =>
        each.withdrawn === undefined ? [each.version] : [],
      );
      const isWanted = (taken: TakenFragment) =>
        version === undefined || movesTo(version, { available, taken });
      const items = page.items.map((use) => userOf(use, name));
      return { ...page, items: items.filter(({ taken }) => taken.some(isWanted)) };
    },
  };
}

async function offerOf(templates: TemplateSource, name: string): Promise<Offer | undefined> {
  const all = await templates.versions(name);
  if (!all?.length) return undefined;
  const versions = newestFirst(all);
  try {
    const notices = await templates.notices?.(name);
    return { versions: versions.map((version) => noticed(version, notices)) };
  } catch (error) {
    // One file that is wrong must not hide the other templates.
    if (!(error instanceof SetupError)) throw error;
    return { versions: versions.map((version) => ({ version })), problem: error.message };
  }
}

function noticed(version: string, notices: VersionNotices | undefined): FragmentVersion {
  const [deprecated, withdrawn] = [notices?.deprecated[version], notices?.withdrawn[version]];
  return {
    version,
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(withdrawn === undefined ? {} : { withdrawn }),
  };
}

/** Whether the next build takes `version`, which may not be there yet, while the last one took another. */
export function movesTo(
  version: string,
  { available, taken }: { available: readonly string[]; taken: TakenFragment },
): boolean {
  if (taken.version === version) return false;
  const at = taken.source.indexOf('@');
  const wanted = at === -1 ? undefined : taken.source.slice(at + 1);
  return chooseVersion([...available, version], wanted) === version;
}

function userOf({ fragments, order: _, ...use }: FragmentUse, name: string) {
  return { ...use, taken: fragments.filter((fragment) => fragment.name === name) };
}
