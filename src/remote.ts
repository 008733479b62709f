/** What the command line does by asking an Ekiden that runs somewhere. */
import { createEkidenApi, type EkidenApi } from './clients/ekiden-api.ts';
import { readRemote } from './config.ts';

export type {
  BuildAnswer,
  DeploymentAnswer,
  EkidenApi,
  FollowedPart,
  InstanceAnswer,
  ProjectAnswer,
  RemoteLog,
  ServiceAnswer,
  ServicePlace,
} from './clients/ekiden-api.ts';

/** As EKIDEN_URL and EKIDEN_TOKEN say. @throws SetupError */
export function connectEkiden(): EkidenApi {
  return createEkidenApi(readRemote());
}
