/** Lets people into pages: who is not signed in is asked to, and comes back to where they wanted to go. */
import type { Request, Response } from 'express';
import type { Caller } from '../../core/access.ts';
import { AccessError } from '../../core/errors.ts';
import type { Ekiden } from '../../ekiden.ts';
import { basePathOf } from '../base-path.ts';
import { credentialsOf } from '../credentials.ts';

export interface Entry {
  /**
   * Who asks; undefined when they were sent to sign in, and the answer is complete.
   * @throws AccessError for programs, which send a token
   */
  caller(request: Request, response: Response): Promise<Caller | undefined>;
  /** The same without asking anybody to sign in. */
  known(request: Request): Promise<Caller | undefined>;
}

export function createEntry({ access, config }: Pick<Ekiden, 'access' | 'config'>): Entry {
  const base = basePathOf(config.url);
  const identify = async (request: Request) => {
    const credentials = credentialsOf(request);
    if (credentials) return access.identify(credentials);
    throw new AccessError('Nobody is signed in.', {
      code: 'E_SIGN_IN',
      status: 401,
      hint: 'Send a GitLab token as Authorization: Bearer … or PRIVATE-TOKEN.',
    });
  };

  return {
    async caller(request, response) {
      try {
        return await identify(request);
      } catch (error) {
        const isStranger = error instanceof AccessError && error.status === 401;
        if (!isStranger || !prefersHtml(request)) throw error;
        const wanted = encodeURIComponent(request.originalUrl);
        response.redirect(303, `${base}/sign-in?return=${wanted}`);
        return undefined;
      }
    },
    known: (request) => identify(request).catch(() => undefined),
  };
}

/** Programs say that they want JSON, or say nothing. */
export function prefersHtml(request: Request): boolean {
  return request.accepts(['json', 'html']) === 'html';
}

/**
 * The path to go to after signing in: only one of Ekiden itself, since a link to the page can be
 * made by anybody.
 */
export function returnPath(wanted: unknown, url: string): string {
  const isPath = typeof wanted === 'string' && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(wanted);
  if (!isPath || wanted.startsWith('/sign-')) return '/';
  const target = `${basePathOf(url)}${wanted}`;
  const isOwn = URL.canParse(target, url) && new URL(target, url).origin === new URL(url).origin;
  return isOwn ? wanted : '/';
}
