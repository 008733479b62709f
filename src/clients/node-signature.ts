/** Signs what the web role asks of nodes, with a secret that both read from Redis. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { NodeSignature } from '../core/node.ts';

/** Seconds that a signature is good for; nodes take none that is good for longer. */
const lifetime = 60;
/** Seconds by which the clocks of two hosts may differ. */
const tolerance = 30;
const form = /^Ekiden (\d{1,12})\.([\w-]{43})$/;

/** The header is `Ekiden <expiry>.<HMAC-SHA256 in base64url>`, of method, target and expiry in lines. */
export function createNodeSignature(
  secret: string,
  now: () => number = () => Date.now() / 1000,
): NodeSignature {
  const macOf = (...parts: (string | number)[]) =>
    createHmac('sha256', secret).update(parts.join('\n')).digest('base64url');

  return {
    sign(method, target) {
      const expiry = Math.floor(now()) + lifetime;
      return `Ekiden ${expiry}.${macOf(method, target, expiry)}`;
    },
    refusalOf(method, target, header = '') {
      const [, expiry, mac] = form.exec(header) ?? [];
      if (expiry === undefined || mac === undefined) return 'The request is not signed.';
      if (!isEqual(mac, macOf(method, target, expiry))) return 'The signature is wrong.';
      const left = Number(expiry) - now();
      if (left < -tolerance) return 'The signature is too old; compare the clocks of the hosts.';
      if (left <= lifetime + tolerance) return undefined;
      return 'The signature is good for too long; compare the clocks of the hosts.';
    },
  };
}

function isEqual(given: string, wanted: string): boolean {
  return timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}
