/** Says why a base image could not be had. */
import type { EkidenError } from '../../core/errors.ts';
import { type Situation, StepError, StepRemoteError } from './step-error.ts';

const wrongPlatform =
  /no match(ing manifest)? for (platform|\w+\/)|match the specified platform|provide the specified platform|cannot parse platform specifier|unknown operating system or architecture/i;

/** What a command may not do is none of a registry's business. */
const refused =
  /unauthorized|no basic auth credentials|(?<!permission )denied|incorrect username|insufficient_scope|authorization failed|403 Forbidden/i;

/** What newer versions put in front of it repeats the name. */
const untilDenied = /^.*(?=pull access denied)/s;

const missing = /manifest unknown|manifest for .* not found|: not found$/i;

/** A name or a certificate that is wrong stays wrong. */
export const unreachable =
  /no such host|x509: |certificate|server gave HTTP response to HTTPS client|unsupported protocol/i;

/** Of what is away now, and may come back. */
export const away =
  /dial tcp|connection refused|connection reset|timeout|deadline exceeded|unexpected EOF|: EOF$|unexpected (HTTP )?status.*\b(5\d\d|429)\b|toomanyrequests|server misbehaving/i;

/** Undefined where the message is about something else. */
export function baseImageFailure(message: string, situation: Situation): EkidenError | undefined {
  const { line, image } = situation;
  const why = message.replace(/^(failed to do request: )?(Head|Get) "?[^" ]*"?: /, '');
  const named = image === undefined ? 'A base image' : `The base image ${image}`;
  if (wrongPlatform.test(message)) {
    return new StepError(`${named} is not for the platform that is asked for: ${why}`, {
      code: 'E_PLATFORM',
      line,
      hint: 'See build.platform in the manifest, and --platform in FROM.',
    });
  }
  if (/OCI runtime/.test(message)) return undefined;
  if (refused.test(message)) {
    // Docker Hub answers the same for a name that nobody has.
    return new StepError(`${named} cannot be pulled: ${why.replace(untilDenied, '')}`, {
      code: 'E_BASE_IMAGE_LOGIN',
      line,
      hint: 'See that the name is right, and that DOCKER_AUTH_CONFIG has a login that may pull it.',
    });
  }
  const isGone = missing.test(message);
  if (isGone || unreachable.test(message)) {
    const what = isGone ? 'does not exist' : 'cannot be pulled';
    return new StepError(`${named} ${what}: ${why}`, {
      code: 'E_BASE_IMAGE',
      line,
      hint: 'See that the name is right, and that the Docker host reaches its registry.',
    });
  }
  if (!away.test(message)) return undefined;
  return new StepRemoteError(`${named} cannot be pulled: ${why}`, {
    code: 'E_BASE_IMAGE',
    line,
    hint: 'See that the Docker host reaches the registry of the base image.',
  });
}
