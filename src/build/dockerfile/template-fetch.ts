/** Finds the version of a platform template that an INCLUDE means, and reads it. */

import type { Fragment } from '../../core/build.ts';
import { InputError } from '../../core/errors.ts';
import type { Once } from '../../core/once.ts';
import { type Diagnostic, describe, type Spot } from './diagnostic.ts';
import { nearestNames } from './nearest.ts';
import type { Fetched } from './source-file.ts';
import { chooseVersion, newestFirst, type TemplateSource } from './templates.ts';

export interface TemplateFetchOptions {
  templates: TemplateSource;
  /** Fragments of an earlier build, whose versions are taken again. */
  pins?: readonly Fragment[];
  once: Once;
}

interface Wanted {
  name: string;
  version: string | undefined;
}

/** Throws InputError for a template or version that there is not, or not any more. */
export function createTemplateFetch({ templates, pins = [], once }: TemplateFetchOptions) {
  async function versionsOf(name: string) {
    const versions = await once(`versions ${name}`, () => templates.versions(name));
    if (versions?.length) return versions;
    throw unknownTemplate(name, (await templates.names?.()) ?? []);
  }

  /** Every source of a build is among its pins, so the newest of these that fits is what it took. */
  function pinnedVersion({ name, version }: Wanted): string | undefined {
    const pinned = pins.flatMap(({ template }) =>
      template?.name === name ? [template.version] : [],
    );
    return chooseVersion(pinned, version);
  }

  return async (wanted: Wanted, spot: Spot): Promise<Fetched & { warnings: Diagnostic[] }> => {
    const { name } = wanted;
    const all = await versionsOf(name);
    const notices = await once(`notices ${name}`, async () => templates.notices?.(name));
    const offered = all.filter((version) => notices?.withdrawn[version] === undefined);
    const pinned = pinnedVersion(wanted);
    const version =
      pinned ?? chooseVersion(offered, wanted.version) ?? chooseVersion(all, wanted.version);
    if (version === undefined) throw unknownVersion(wanted, offered);
    const withdrawn = notices?.withdrawn[version];
    if (withdrawn !== undefined) throw withdrawnVersion(name, version, withdrawn);
    if (!all.includes(version)) throw goneVersion(name, version);
    const deprecated = notices?.deprecated[version];
    const id = `template:${name}@${version}`;
    return {
      id,
      path: undefined,
      bytes: await once(id, () => templates.read(name, version)),
      record: { template: { name, version } },
      warnings: [
        ...(wanted.version === undefined ? [unpinned(name, version, spot)] : []),
        ...(deprecated === undefined ? [] : [deprecatedVersion(id, deprecated, spot)]),
      ],
    };
  };
}

function unknownTemplate(name: string, names: string[]): InputError {
  const near = nearestNames(name, names);
  const others = names.filter((other) => !near.includes(other)).sort();
  return new InputError(`there is no template named ${name}`, {
    code: 'E_TEMPLATE_UNKNOWN',
    hint: names.length
      ? `There are ${[...near, ...others].join(', ')}.`
      : 'No template is installed.',
  });
}

function unknownVersion({ name, version }: Wanted, versions: string[]): InputError {
  const all = newestFirst(versions);
  const [newest] = all;
  return new InputError(`template ${name} has no version ${version ?? 'that is released'}`, {
    code: 'E_TEMPLATE_VERSION',
    hint: newest
      ? `It has ${all.join(', ')}; a shorter number such as ${name}@${newest.split('.')[0]} takes the newest below it.`
      : 'All of its versions are withdrawn.',
  });
}

function withdrawnVersion(name: string, version: string, message: string): InputError {
  return new InputError(`template:${name}@${version} is withdrawn: ${message}`, {
    code: 'E_TEMPLATE_WITHDRAWN',
    hint: 'Name the version that replaces it.',
  });
}

function goneVersion(name: string, version: string): InputError {
  return new InputError(`template:${name}@${version}, which the earlier build took, is gone`, {
    code: 'E_PIN',
    hint: 'Build the commit anew, with the fragments that there are now.',
  });
}

function unpinned(name: string, version: string, spot: Spot): Diagnostic {
  const problem = {
    code: 'W_UNPINNED',
    message: `template:${name} names no version and took ${version}, the newest`,
    hint: `Pin it, so that only you change your build: template:${name}@${version}.`,
  };
  return describe('warning', problem, spot);
}

function deprecatedVersion(id: string, message: string, spot: Spot): Diagnostic {
  const problem = { code: 'W_DEPRECATED_TEMPLATE', message: `${id} is deprecated: ${message}` };
  return describe('warning', problem, spot);
}
