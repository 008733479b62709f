/** Endpoint about Dockerfiles: what a build would make of one. */
import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { projectParams } from './names.ts';
import * as schemas from './schemas.ts';

const wanted = z
  .object({
    ref: z
      .string()
      .regex(/^[^ \p{Cc}\p{Cs}]{1,1000}$/u, 'is no branch, tag or sha')
      .optional()
      .meta({ description: 'Branch, tag or sha; default: the default branch.' }),
    path: z
      .string()
      .regex(/^(?!(.*\/)?\.\.(\/|$))[^\p{Cc}\p{Cs}]{1,1000}$/u, 'is no path in the repository')
      .optional()
      .meta({ description: 'Of the Dockerfile; default: what the manifest says.' }),
    content: z.string().optional().meta({
      description: 'Text in place of the Dockerfile that is committed, such as that of an editor.',
    }),
    map: z.boolean().default(true).meta({ description: 'False leaves `lines` out.' }),
  })
  .strict()
  .meta({ id: 'WantedExpansion' });

const expansion = z
  .object({
    text: z.string(),
    encoding: z
      .enum(['utf-8', 'base64'])
      .meta({ description: 'base64 where the bytes are no UTF-8.' }),
    lines: z
      .array(z.object({ file: z.string(), line: z.number(), count: z.number() }))
      .optional()
      .meta({ description: 'Where each line of the text was written.' }),
    sha: schemas.sha,
    warnings: z.array(schemas.diagnostic),
    fragments: z.array(schemas.fragment),
  })
  .meta({ id: 'Expansion' });

export const expandDockerfile = endpoint({
  method: 'post',
  path: '/projects/{project}/dockerfile/expand',
  id: 'expandDockerfile',
  tag: 'Builds',
  summary: 'The Dockerfile of a commit with every INCLUDE spliced in, as a build of it would be',
  description:
    'For editors and merge requests; nothing is built or kept. Files of other projects are read on behalf of the caller. Where INCLUDE is wrong, the problem has a member `diagnostic` with the place.',
  needs: 'look',
  params: projectParams,
  body: wanted,
  // An editor's file may be as large as one that is committed, and escapes take more.
  largestBody: 1024 ** 2,
  answer: { description: 'The expanded Dockerfile.', schema: expansion },
  others: { 400: 'The body is no JSON, or the manifest at the commit is wrong.' },
  async handle({ ekiden, project, body: { map, ...body }, caller }) {
    const actor = ekiden.dockerfiles.actors.ofCaller(caller);
    const { lines, ...expanded } = await ekiden.dockerfiles.dryRun.expand({
      ...{ project, actor },
      ...body,
    });
    return map ? { ...expanded, lines } : expanded;
  },
});
