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
import { listDeployments, readDeployment, requestDeployment, rollback } from './deployments.ts';
import { readDiscovery, readNginx } from './discovery.ts';
import { expandDockerfile } from './dockerfile.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { listFragments, readFragment, readFragmentReadme } from './fragments.ts';
import { disableHook, enableHook } from './hook.ts';
import { listFiles, readFile } from './log-files.ts';
import { listProjects, readProject, removeEnvironment, removeProject } from './projects.ts';
import { listInstances, readHealth, readMetrics, readService, restart, scale } from './services.ts';
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
  rollback,
  readService,
  readHealth,
  listInstances,
  scale,
  restart,
  readMetrics,
  listFiles,
  readFile,
  listFragments,
  readFragment,
  readFragmentReadme,
  readDiscovery,
  readNginx,
  enableHook,
  disableHook,
  readSelf,
  issueTicket,
  clean,
];
