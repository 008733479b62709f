/** Makes of the errors of Express, and of what it reads with, errors of Ekiden. */
import { EkidenError, InputError, messageOf } from '../core/errors.ts';

/** Errors of Express say by their status that the request is wrong; undefined where nobody is told why. */
export function toKnownError(error: unknown): EkidenError | undefined {
  if (error instanceof EkidenError) return error;
  if (error instanceof URIError) {
    return new InputError('The address is no valid URL.', {
      code: 'E_ADDRESS',
      cause: error,
      hint: 'Write each part of it as encodeURIComponent does: group%2Fname.',
    });
  }
  const { status, type, limit } = (error ?? {}) as Record<string, unknown>;
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  const what =
    type === 'entity.parse.failed' ? 'is no JSON' : `cannot be used: ${messageOf(error)}`;
  return new InputError(`What was sent ${what}.`, {
    ...{ code: 'E_INPUT', status, cause: error },
    hint:
      type === 'entity.too.large'
        ? `Send at most ${limit} bytes.`
        : 'Send a form, or JSON in UTF-8, as GET /api/v1/openapi.json tells.',
  });
}
