/** Signing in with a token of GitLab, and out again; the browser keeps a session, never the token. */
import express, { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { EkidenError } from '../../core/errors.ts';
import type { Ekiden } from '../../ekiden.ts';
import { basePathOf } from '../base-path.ts';
import { credentialsOf, refuseForeignOrigin, sessionCookie } from '../credentials.ts';
import { returnPath } from './entry.ts';
import type { Pages } from './page.ts';

const formSchema = z.object({
  token: z.string().trim().max(4_000).catch(''),
  return: z.string().optional().catch(undefined),
});

/** Milliseconds that a browser keeps the cookie; the session ends earlier where it is not used. */
const cookieLife = 7 * 24 * 60 * 60 * 1000;

export function createSignIn(pages: Pages): Router {
  const { ekiden, enter } = pages;
  const { url } = ekiden.config;
  const base = basePathOf(url);
  const readForm = express.urlencoded({ extended: false, limit: '16kb' });
  const router = Router();
  router.get('/sign-in', async (request, response) => {
    const to = returnPath(request.query['return'], url);
    if (await enter.known(request)) response.redirect(303, `${base}${to}`);
    else await showForm(pages, response, to);
  });
  router.post('/sign-in', readForm, async (request, response) => {
    refuseForeignOrigin(request, url);
    const { token, return: wanted } = formSchema.parse(request.body ?? {});
    const to = returnPath(wanted, url);
    try {
      await openSession(pages, { request, response, token });
      response.redirect(303, `${base}${to}`);
    } catch (error) {
      if (!(error instanceof EkidenError)) throw error;
      await showForm(pages, response, to, error);
    }
  });
  router.post('/sign-out', async (request, response) => {
    refuseForeignOrigin(request, url);
    await closeSession(ekiden, request);
    response.clearCookie(sessionCookie, cookieOf(url));
    response.redirect(303, `${base}/sign-in`);
  });
  return router;
}

async function showForm(
  { ekiden, templates }: Pages,
  response: Response,
  to: string,
  problem?: EkidenError,
): Promise<void> {
  const said = problem ? { message: problem.message, hint: problem.hint ?? '' } : null;
  const view = { to, gitlab: ekiden.config.gitlabUrl, problem: said };
  response.status(problem?.status ?? 200).set('Cache-Control', 'no-store');
  response.type('html').send(await templates.render('sign-in', view));
}

/** @throws EkidenError when GitLab does not take the token */
async function openSession(
  { ekiden }: Pages,
  { request, response, token }: { request: Request; response: Response; token: string },
): Promise<void> {
  const { access, config, log } = ekiden;
  const caller = await access.identify({ kind: 'token', value: token });
  // Whoever signs in again gets another id, and the one before is good for nobody.
  await closeSession(ekiden, request);
  const session = await access.openSession(caller);
  response.cookie(sessionCookie, session, { ...cookieOf(config.url), maxAge: cookieLife });
  log.info({ user: caller.username }, 'signed in');
}

async function closeSession({ access }: Pick<Ekiden, 'access'>, request: Request): Promise<void> {
  const credentials = credentialsOf(request);
  if (credentials?.kind === 'session') await access.closeSession(credentials.value);
}

function cookieOf(url: string) {
  return {
    ...({ httpOnly: true, sameSite: 'lax' } as const),
    path: basePathOf(url) || '/',
    secure: url.startsWith('https:'),
  };
}
