/** What the command line does by asking an Ekiden that runs somewhere. */
import { createEkidenApi, type EkidenApi } from './clients/ekiden-api.ts';
import { readRemote } from './config.ts';
import { SetupError } from './core/errors.ts';

export type {
  BuildAnswer,
  CleaningAnswer,
  DataCentreAnswer,
  DeploymentAnswer,
  DiffAnswer,
  EkidenApi,
  EnvironmentSettingsAnswer,
  EvidenceAnswer,
  EvidenceSummaryAnswer,
  FollowedPart,
  FragmentAnswer,
  FragmentSummaryAnswer,
  InstanceAnswer,
  JobAnswer,
  PlannedAnswer,
  ProjectAnswer,
  ReleaseAnswer,
  RemoteLog,
  ServiceAnswer,
  ServiceDiffAnswer,
  ServicePlace,
  WantedJob,
} from './clients/ekiden-api.ts';

/** As EKIDEN_URL and EKIDEN_TOKEN say. @throws SetupError */
export function connectEkiden(): EkidenApi {
  const { url, token } = readRemote();
  return createEkidenApi({ url, token: token === undefined ? undefined : sendable(token) });
}

/** A token that no header can hold would be repeated by the error of whoever sends it. */
function sendable(token: string): string {
  const trimmed = token.trim();
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw new SetupError(
    'EKIDEN_TOKEN, or GITLAB_TOKEN in its place, holds a character that no token has.',
    { code: 'E_SETTINGS', hint: 'Set it to the token alone, in one line.' },
  );
}
