/** The pages for people: who comes in, what they see, and what goes with it. */
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { NotFoundError } from '../../core/errors.ts';
import type { Ekiden } from '../../ekiden.ts';
import { toKnownError } from '../known-error.ts';
import type { Limits } from '../limits.ts';
import { endWaiting } from '../patience.ts';
import { createTemplates } from '../templates.ts';
import { createAssets } from './assets.ts';
import { createEntry, prefersHtml } from './entry.ts';
import { createEvidencePages } from './evidence.ts';
import { createFilePages } from './files.ts';
import { createJobPages } from './jobs.ts';
import type { Pages } from './page.ts';
import { createProjectPages } from './projects.ts';
import { createRecordPages } from './records.ts';
import { createReleasePages } from './releases.ts';
import { createSignIn } from './sign-in.ts';

export interface UiOptions {
  ekiden: Ekiden;
  limits: Limits;
}

export function createUi({ ekiden, limits }: UiOptions): Router {
  const templates = createTemplates(ekiden);
  const pages: Pages = { ekiden, templates, enter: createEntry(ekiden) };
  const router = Router({ caseSensitive: true });
  router.use('/assets', createAssets(ekiden.templates));
  router.use(...[endWaiting, ...limits.byAddress].map(unlessApi));
  router.use(createSignIn(pages));
  router.use(createRecordPages(pages));
  router.use(createJobPages(pages));
  router.use(createFilePages(pages));
  router.use(createEvidencePages(pages));
  router.use(createReleasePages(pages));
  router.use(createProjectPages(pages));
  router.use(notFound, createErrorPage(pages));
  return router;
}

/** What comes through the API was counted there. */
function unlessApi(handler: RequestHandler): RequestHandler {
  return (request, response, next) =>
    request.path.startsWith('/api/') ? next() : handler(request, response, next);
}

const notFound: RequestHandler = (request) => {
  throw new NotFoundError(`There is nothing at ${request.path}.`, {
    code: 'E_NOT_FOUND',
    hint: 'The first page lists the projects that you may see.',
  });
};

/** For people a page; programs get a problem, and what nobody raised on purpose is logged elsewhere. */
function createErrorPage({ templates, enter }: Pages): ErrorRequestHandler {
  return async (error, request, response, next) => {
    const known = toKnownError(error);
    if (!known || response.headersSent || !prefersHtml(request)) return next(error);
    const caller = await enter.known(request);
    const { message, hint, code, status } = known;
    const html = await templates.render('error', { caller, message, hint: hint ?? '', code });
    response.status(status).set('Cache-Control', 'no-store').type('html').send(html);
  };
}
