/** Says in words why a server could not be reached. */
import { messageOf } from '../core/errors.ts';

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection is cut at once',
  ENOTFOUND: 'the name is not known to DNS',
  EAI_AGAIN: 'DNS does not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'it does not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  EACCES: 'this user may not use it',
  ENOENT: 'it is not there',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; look at the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  EPROTO: 'it speaks no TLS there; is it http://?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS there; is it http://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it speaks no TLS there; is it http://?',
};

/** A certificate that nobody vouches for whom this machine trusts. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** The code of the error, or of what caused it. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner === undefined ? '' : codeOf(inner);
}

export function isUntrusted(error: unknown): boolean {
  return untrusted.has(codeOf(error));
}

/** Half a sentence, such as `nothing listens there`. */
export function reasonOf(error: unknown): string {
  if (isUntrusted(error))
    return 'its certificate is of an authority that this machine does not know';
  if (error instanceof Error && error.name === 'TimeoutError') return 'it does not answer in time';
  const known = reasons[codeOf(error)];
  if (known !== undefined) return known;
  // fetch wraps what went wrong into an error of its own, which says nothing.
  return messageOf(error instanceof TypeError && error.cause ? error.cause : error);
}
