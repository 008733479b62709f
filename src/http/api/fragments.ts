/** Endpoints about fragments: which there are, and who uses them. */
import { z } from 'zod';
import { type Caller, levels } from '../../core/access.ts';
import { NotFoundError } from '../../core/errors.ts';
import { type FragmentDetail, type FragmentUser, listedFile } from '../../core/fragment.ts';
import type { Ekiden } from '../../ekiden.ts';
import { endpoint } from './endpoint.ts';
import * as schemas from './schemas.ts';

const version = z
  .object({
    version: z.string(),
    deprecated: z.string().optional().meta({ description: 'Why one should leave it.' }),
    withdrawn: z.string().optional().meta({ description: 'Why no build can take it any more.' }),
  })
  .meta({ id: 'FragmentVersion' });

const summary = z
  .object({
    name: z.string(),
    versions: z.array(version).meta({ description: 'Newest first.' }),
    problem: z.string().optional().meta({
      description:
        'What is wrong with its versions.yml; until that is mended no build can take it.',
    }),
    projects: z.number().meta({ description: 'How many projects use it.' }),
    refs: z.number().meta({ description: 'How many branches and tags of theirs.' }),
    url: z.url(),
    readme: z.url().optional(),
  })
  .meta({ id: 'FragmentSummary' });

const user = z
  .object({
    project: z.object({ id: z.number(), path: z.string() }),
    ref: z.string().meta({ description: 'Full ref, such as refs/heads/main.' }),
    sha: schemas.sha,
    environments: z.array(z.string()),
    taken: z.array(
      z.object({
        source: z.string().meta({ description: 'As it is written, such as template:tomcat@9.' }),
        version: z.string().meta({ description: 'A commit for a file of another project.' }),
        sha256: z.string(),
      }),
    ),
    build: z.string().meta({ description: 'The last build of the ref that succeeded.' }),
    at: schemas.time,
    url: z.url().meta({ description: 'Of that build.' }),
  })
  .meta({ id: 'FragmentUser' });

const detail = summary
  .extend({
    users: z.array(user).meta({ description: 'Those with the latest builds first.' }),
    hidden: z.number().meta({ description: 'How many of this page one may not see.' }),
    next: z.string().optional(),
  })
  .meta({ id: 'FragmentDetail' });

export const listFragments = endpoint({
  method: 'get',
  path: '/fragments',
  id: 'listFragments',
  tag: 'Fragments',
  summary: "The platform's templates, with their versions and how many projects use them",
  needs: 'signed-in',
  answer: {
    description: 'All of them, by name.',
    schema: z.object({ items: z.array(summary) }).meta({ id: 'FragmentList' }),
  },
  async handle({ ekiden }) {
    const found = await ekiden.fragments.list();
    return { items: found.map((fragment) => viewOf(fragment, ekiden.config.url)) };
  },
});

const params = z.object({
  name: z.string().min(1).max(1_000).meta({
    description: 'Name of a template, or encoded project:group/name:path of a file.',
    example: 'tomcat',
  }),
});

export const readFragment = endpoint({
  method: 'get',
  path: '/fragments/{name}',
  id: 'readFragment',
  tag: 'Fragments',
  summary: 'A fragment, and the projects that one may see whose last build took it',
  description:
    'With `version`, only those whose next build would move to it; a page may then be short although more follow.',
  needs: 'signed-in',
  params,
  query: schemas.paging.extend({
    version: z
      .string()
      .regex(/^[\w.+-]{1,100}$/, 'is no version')
      .optional()
      .meta({ description: 'Also one that is not there yet.', example: '9.2.0' }),
  }),
  answer: { description: 'One page of users.', schema: detail },
  async handle({ ekiden, caller, params: { name }, query: { limit, cursor, version: moved } }) {
    const fragment = await findFragment(ekiden, caller, name);
    const page = await ekiden.fragments.users(fragment.listed, {
      limit,
      ...(cursor ? { cursor } : {}),
      ...(moved ? { version: moved } : {}),
    });
    const mayLook = await Promise.all(
      page.items.map(({ project }) => looks(ekiden, caller, project)),
    );
    const users = page.items.filter((_, index) => mayLook[index]);
    return {
      ...viewOf(fragment, ekiden.config.url),
      users: users.map((each) => viewOfUser(each, ekiden.config.url)),
      hidden: page.items.length - users.length,
      ...(page.next ? { next: page.next } : {}),
    };
  },
});

export const readFragmentReadme = endpoint({
  method: 'get',
  path: '/fragments/{name}/readme',
  id: 'readFragmentReadme',
  tag: 'Fragments',
  summary: 'How a template is used, as Markdown',
  needs: 'signed-in',
  params,
  answer: { description: 'Its README.', type: 'text/markdown' },
  async handle({ ekiden, caller, params: { name }, response }) {
    const fragment = await findFragment(ekiden, caller, name);
    const text = await ekiden.fragments.readme(fragment.name);
    if (text === undefined) {
      const hint = 'Ask whoever keeps the templates to write one.';
      throw new NotFoundError(`${fragment.name} has no README.`, { code: 'E_FRAGMENT', hint });
    }
    response.type('text/markdown; charset=utf-8').send(text);
  },
});

/**
 * A fragment, and the name under which its users are kept. Files of a project are told to those who may look at it.
 * @throws NotFoundError
 */
async function findFragment(
  ekiden: Ekiden,
  caller: Caller,
  asked: string,
): Promise<FragmentDetail & { listed: string }> {
  const name = asked.replace(/^template:/, '');
  const [, path, file] = /^project:([^:@]+):(.+)$/s.exec(name) ?? [];
  if (path === undefined || file === undefined) {
    const found = await ekiden.fragments.find(name);
    if (found) return { ...found, listed: name };
    throw await unknown(ekiden, name);
  }
  const project = await ekiden.projects.find(path);
  if (!project || !(await looks(ekiden, caller, project.id))) throw await unknown(ekiden, name);
  const listed = listedFile({ id: project.id, file });
  const count = await ekiden.fragments.count(listed);
  return { name: `project:${project.path}:${file}`, versions: [], count, listed };
}

async function looks({ access }: Ekiden, caller: Caller, project: number): Promise<boolean> {
  return (await access.level(caller, project)) >= levels.reporter;
}

async function unknown({ fragments }: Ekiden, name: string): Promise<NotFoundError> {
  const names = (await fragments.list()).map((fragment) => fragment.name);
  return new NotFoundError(`There is no fragment ${name}.`, {
    code: 'E_FRAGMENT',
    hint: `There are ${names.join(', ')}; a file of a project is named project:group/name:path.`,
  });
}

function viewOf({ name, versions, problem, count }: FragmentDetail, base: string) {
  const url = `${base}/api/v1/fragments/${encodeURIComponent(name)}`;
  const isTemplate = versions.length > 0;
  return {
    ...{ name, versions, ...count, url },
    ...(problem === undefined ? {} : { problem }),
    ...(isTemplate ? { readme: `${url}/readme` } : {}),
  };
}

function viewOfUser({ project, projectPath, taken, ...use }: FragmentUser, base: string) {
  return {
    ...use,
    project: { id: project, path: projectPath },
    taken: taken.map(({ source, version: took, sha256 }) => ({ source, version: took, sha256 })),
    url: `${base}/builds/${use.build}`,
  };
}
