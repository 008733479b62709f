/** Who a request is from: personal, project, group and job tokens, their scopes, and their ends. */
import type { Request } from 'express';
import type { GitLab } from '../core.ts';
import type { Job, Token, User } from '../state.ts';
import { ApiError } from './api-error.ts';

/** The user that the token belongs to: 401 without a good one, 403 where it may not do this. */
export function authenticate(gitlab: GitLab, request: Request): User {
  const token = tokenOf(gitlab, request);
  requireScope(token, request);
  return userOf(gitlab, token.userId);
}

/** The token itself, whatever it may do. */
export function tokenOf(gitlab: GitLab, request: Request): Token {
  const bearer = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
  const value = request.get('private-token') ?? bearer ?? request.query['private_token'];
  const token = gitlab.state.tokens.find((candidate) => candidate.value === value);
  if (token === undefined) throw unauthorized();
  const end = endOf(token, gitlab.now());
  if (end === 'revoked') {
    throw invalidToken('Token was revoked. You have to re-authorize from the user.');
  }
  if (end === 'expired') {
    throw invalidToken('Token is expired. You can either do re-authorization or token refresh.');
  }
  userOf(gitlab, token.userId);
  return token;
}

/** Why the token no longer works; undefined while it does. */
export function endOf(token: Token, now: number): Token['ended'] {
  if (token.ended !== undefined || token.expiresAt === null) return token.ended;
  return token.expiresAt <= new Date(now).toISOString().slice(0, 10) ? 'expired' : undefined;
}

/** The running job whose token came in JOB-TOKEN; 401 once it has finished. */
export function authenticateJob(gitlab: GitLab, request: Request): Job {
  const value = request.get('job-token');
  const job = gitlab.state.jobs.find(({ token }) => token === value);
  if (job?.status !== 'running') throw unauthorized();
  userOf(gitlab, job.userId);
  return job;
}

function userOf(gitlab: GitLab, userId: number): User {
  const user = gitlab.state.users.find(({ id }) => id === userId);
  if (user === undefined) throw unauthorized();
  if (user.state === 'blocked') {
    throw new ApiError(403, { message: '403 Forbidden - Your account has been blocked.' });
  }
  return user;
}

/** `api` does everything and `read_api` reads; the others open what their name says. */
function requireScope(token: Token, request: Request): void {
  const reads = ['GET', 'HEAD'].includes(request.method);
  const enough = [
    'api',
    ...(reads ? ['read_api'] : []),
    ...(reads && /^\/users?(\/|$)/.test(request.path) ? ['read_user'] : []),
    ...(reads && /\/repository\/(files|archive)/.test(request.path) ? ['read_repository'] : []),
  ];
  if (enough.some((scope) => token.scopes.includes(scope))) return;
  throw new ApiError(403, {
    error: 'insufficient_scope',
    error_description: 'The request requires higher privileges than provided by the access token.',
    scope: enough.join(' '),
  });
}

function unauthorized(): ApiError {
  return new ApiError(401, { message: '401 Unauthorized' });
}

function invalidToken(error_description: string): ApiError {
  return new ApiError(401, { error: 'invalid_token', error_description });
}
