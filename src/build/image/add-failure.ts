/** Says why what an ADD names by its URL could not be had. */
import type { EkidenError } from '../../core/errors.ts';
import { away, unreachable } from './base-image-failure.ts';
import { type Situation, StepError, StepRemoteError } from './step-error.ts';

/** The classic builder tells in its message what it asked for. */
const ofClassic = /^ADD failed: (?:failed to )?GET "?(https?:[^" ]+?)"?(?:: | with )/i;
const request = /^(?:ADD failed: )?(?:failed to )?(?:GET|HEAD) "?https?:[^" ]+?"?(?:: | with )/i;
/** Behind it the classic builder puts the page that came. */
const status = /^((?:invalid response )?status \d{3}[^:]*).*$/s;
const isBusy = /^(invalid response )?status (5\d\d|429)\b/;

/** Undefined where the message is about something else. */
export function addFailure(message: string, { line, url }: Situation): EkidenError | undefined {
  const asked = ofClassic.exec(message)?.[1] ?? url;
  if (asked === undefined) return undefined;
  const why = message.replace(request, '').replace(status, '$1');
  const isAbsent = unreachable.test(why);
  const isAway = !isAbsent && (away.test(why) || isBusy.test(why));
  const isOther = !isAbsent && !isAway && !request.test(message) && !status.test(why);
  if (isOther) return undefined;
  const what = `${asked}, which ADD names, cannot be fetched: ${why}`;
  const hint = 'See that the URL is right, and that the Docker host reaches it.';
  const details = { code: 'E_ADD_URL', line, hint };
  return isAway ? new StepRemoteError(what, details) : new StepError(what, details);
}
