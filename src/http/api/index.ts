/** The API under /api/v1: every endpoint, one line each. */
import {
  cancelBuild,
  listBuilds,
  readBuild,
  readBuildLog,
  requestBuild,
  retryBuild,
} from './builds.ts';
import { clean } from './cleaning.ts';
import { listDataCentres } from './data-centres.ts';
import {
  decideDeployment,
  listDeployments,
  readDeployment,
  requestDeployment,
  rollback,
} from './deployments.ts';
import { readDiscovery, readNginx } from './discovery.ts';
import { expandDockerfile } from './dockerfile.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { freeze, readEnvironmentSettings, switchAutoDeploy, thaw } from './environments.ts';
import { listEvidence, readEvidence } from './evidence.ts';
import { listFragments, readFragment, readFragmentReadme } from './fragments.ts';
import { disableHook, enableHook } from './hook.ts';
import { cancelJob, listJobs, readJob, readJobLog, requestJob } from './jobs.ts';
import { listFiles, readFile } from './log-files.ts';
import { listProjects, readProject, removeEnvironment, removeProject } from './projects.ts';
import {
  diffReleases,
  listReleases,
  planDeployment,
  readRelease,
  rebuildReleases,
} from './releases.ts';
import {
  killInstance,
  listInstances,
  readHealth,
  readMetrics,
  readService,
  restart,
  resume,
  scale,
  suspend,
} from './services.ts';
import { issueTicket, readSelf } from './session.ts';

export const endpoints: readonly AnyEndpoint[] = [
  listProjects,
  readProject,
  removeProject,
  removeEnvironment,
  listBuilds,
  requestBuild,
  readBuild,
  cancelBuild,
  retryBuild,
  readBuildLog,
  expandDockerfile,
  listDeployments,
  requestDeployment,
  readDeployment,
  decideDeployment,
  rollback,
  listReleases,
  readRelease,
  diffReleases,
  planDeployment,
  rebuildReleases,
  readEnvironmentSettings,
  freeze,
  thaw,
  switchAutoDeploy,
  readService,
  readHealth,
  listInstances,
  scale,
  killInstance,
  suspend,
  resume,
  restart,
  readMetrics,
  listFiles,
  readFile,
  listEvidence,
  readEvidence,
  listJobs,
  requestJob,
  readJob,
  cancelJob,
  readJobLog,
  listFragments,
  readFragment,
  readFragmentReadme,
  readDiscovery,
  readNginx,
  enableHook,
  disableHook,
  listDataCentres,
  readSelf,
  issueTicket,
  clean,
];
