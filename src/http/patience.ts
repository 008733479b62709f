/** Ends the wait of a client whom a part that hangs keeps, however many parts were asked before. */
import type { RequestHandler } from 'express';
import { RemoteError } from '../core/errors.ts';

/** Milliseconds until an answer has to begin; what changes something may have to be seen through. */
export const patience = { reading: 20_000, changing: 60_000 } as const;

const reading = new Set(['GET', 'HEAD']);

/** Hands on an error when no answer began in time; what is done goes on. */
export const endWaiting: RequestHandler = (request, response, next) => {
  const isReading = reading.has(request.method);
  const timer = setTimeout(
    () => {
      if (!response.headersSent) next(tooSlow(isReading));
    },
    isReading ? patience.reading : patience.changing,
  );
  response.once('close', () => clearTimeout(timer));
  next();
};

function tooSlow(isReading: boolean): RemoteError {
  return new RemoteError('A part that Ekiden asked does not answer in time.', {
    code: 'E_SLOW',
    status: 503,
    hint: isReading
      ? 'GET /readyz tells which; try again in a moment.'
      : 'It may still happen: look before you ask again. GET /readyz tells which part it is.',
  });
}
