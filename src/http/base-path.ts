/** Ekiden below a path of its own behind a proxy, such as https://ops.example.com/ekiden. */
import type { IncomingMessage } from 'node:http';

/** The path of EKIDEN_URL without a slash at its end, empty for the root. */
export function basePathOf(url: string): string {
  return new URL(url).pathname.replace(/\/+$/, '');
}

/** Takes the base off the request's address, where the proxy has left it there. */
export function stripBase(request: IncomingMessage, base: string): void {
  const { url = '/' } = request;
  if (base === '' || !url.startsWith(base)) return;
  const rest = url.slice(base.length);
  if (rest === '' || rest.startsWith('/') || rest.startsWith('?')) {
    request.url = rest.startsWith('/') ? rest : `/${rest}`;
  }
}

/** The address without its query. */
export function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').split('?', 1)[0] ?? '/';
}

/** What follows the `?` of the address, whatever comes before it. */
export function queryOf({ url = '/' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
