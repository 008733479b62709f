/** The API's own description: OpenAPI for programs, a page for people. */
import { type Response, Router } from 'express';
import type { Ekiden } from '../ekiden.ts';
import { endpoints } from './api/index.ts';
import { createOpenApi } from './api/openapi.ts';
import { createTemplates } from './templates.ts';

type DocsEkiden = Pick<Ekiden, 'config' | 'version' | 'templates'>;

export function createDocs(ekiden: DocsEkiden): Router {
  const { version, config } = ekiden;
  const templates = createTemplates(ekiden);
  const document = createOpenApi({ endpoints, version, url: config.url });
  const router = Router();
  router.get('/openapi.json', (_, response) => {
    response.json(document);
  });
  router.get('/', (_, response) => response.redirect(308, `${config.url}/api/v1/docs`));
  router.get('/docs', async (_, response: Response) => {
    response.type('html').send(await templates.render('api', viewOf(document)));
  });
  return router;
}

type Document = ReturnType<typeof createOpenApi>;

interface Operation {
  operationId?: string;
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { in?: string; name?: string; required?: boolean; description?: string }[];
  requestBody?: object;
  responses?: Record<string, { description?: string }>;
}

/** Operations by tag, in the order of their declaration. */
function viewOf({ paths = {}, info }: Document) {
  const tags = new Map<string, object[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      const [tag = ''] = operation.tags ?? [];
      const answers = Object.entries(operation.responses ?? {});
      const shown = {
        ...{ path, method: method.toUpperCase(), id: operation.operationId },
        summary: operation.summary ?? '',
        description: operation.description ?? '',
        parameters: (operation.parameters ?? []).map((each) => ({ description: '', ...each })),
        body: operation.requestBody ? JSON.stringify(operation.requestBody, null, 2) : '',
        answers: answers.map(([status, { description = '' }]) => ({ status, description })),
      };
      tags.set(tag, [...(tags.get(tag) ?? []), shown]);
    }
  }
  return { info, tags: [...tags].map(([name, operations]) => ({ name, operations })) };
}
