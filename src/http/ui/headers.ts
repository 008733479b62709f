/** What browsers may do with a page of Ekiden: run its own scripts, and nothing else. */
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** `url` is that of Ekiden. */
export function createPageHeaders(url: string): RequestHandler {
  // Some browsers do not count sockets to the same host as 'self'.
  const socket = new URL(url).origin.replace(/^http/, 'ws');
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'", 'data:'],
        'connect-src': ["'self'", socket],
        'form-action': ["'self'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    // Whether the whole host is to be asked by https is for its proxy to say.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'same-origin' },
  });
}
