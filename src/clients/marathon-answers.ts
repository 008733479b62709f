/** Reads Marathon's answers, and names apps in its paths. */
import { z } from 'zod';
import { NotFoundError, RemoteError } from '../core/errors.ts';

/** Path of an app; Marathon takes each segment of its id by itself. */
export function pathOf(id: string): string {
  const segments = id.split('/').filter((segment) => segment !== '');
  return `/v2/apps/${segments.map(encodeURIComponent).join('/')}`;
}

export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** @throws RemoteError when it is not what a Marathon answers. */
export function parse<T extends z.ZodType>(schema: T, body: unknown, path: string): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problem = body === undefined ? 'it is empty' : z.prettifyError(parsed.error);
  throw new RemoteError(`The answer to ${path} is not Marathon's: ${problem}`, {
    code: 'E_MARATHON_ANSWER',
    hint: 'Check that MARATHON_URL or EKIDEN_DATA_CENTRES names a Marathon.',
  });
}
