/** Puts Ekiden together: the only place where its parts meet. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createAccess } from './access/access.ts';
import { createProjects } from './access/projects.ts';
import { type Balance, createBalance } from './balance.ts';
import { type BuildLogs, createBuildLogs } from './build/build-log.ts';
import { type Builder, createBuilder } from './build/builder.ts';
import { createTemplates } from './build/dockerfile/index.ts';
import { createResolver, type Resolver } from './build/resolve.ts';
import { type TaggedCommit, takesTagAt } from './build/tag-rule.ts';
import { connectDocker, type Docker } from './clients/docker.ts';
import { createGitLab, type GitLab } from './clients/gitlab.ts';
import { createGitLabHooks } from './clients/gitlab-hooks.ts';
import { createGitLabPeople } from './clients/gitlab-people.ts';
import { createGitLabVariables } from './clients/gitlab-variables.ts';
import { createMarathon, type Marathon } from './clients/marathon.ts';
import { connectRedis } from './clients/redis.ts';
import type { Config } from './config.ts';
import type { Access, Projects } from './core/access.ts';
import { addressOf } from './core/address.ts';
import type { Arrivals } from './core/arrival.ts';
import { type BuildStore, priorityOf } from './core/build.ts';
import type { DeploymentStore } from './core/deployment.ts';
import type { Arrival, JourneyEvent, RefDeleted } from './core/event.ts';
import type { Log } from './core/log.ts';
import type { Queue } from './core/queue.ts';
import { createDeployer, type Deployer } from './deploy/deployer.ts';
import { urlOfAddress } from './deploy/names.ts';
import { removeAppsOf, removeLeftServices } from './deploy/removal.ts';
import { requestDeployments } from './deploy/request.ts';
import { createProjectDiscovery, type ProjectDiscovery } from './discovery/index.ts';
import { createHookRegistration, type HookRegistration } from './gitlab/hook-registration.ts';
import { createReport, type Report } from './gitlab/report.ts';
import { createStatuses, type Statuses, type StatusWork } from './gitlab/statuses.ts';
import { createVariables } from './gitlab/variables.ts';
import { packageVersion, templatesFolder } from './paths.ts';
import { checksOf, createReadiness, type Readiness } from './readiness.ts';
import { createStores, type Stores } from './stores/index.ts';

export interface BuildWork {
  build: string;
}

export interface DeployWork {
  deployment: string;
}

/** Settings with every default part replaced by the address of a real one. */
export type ReadyConfig = Config & {
  url: string;
  redisUrl: string;
  registryUrl: string;
  marathonUrl: string[];
};

export interface Ekiden {
  config: ReadyConfig;
  log: Log;
  version: string;
  /** Folder of the texts that a person may edit. */
  templates: string;
  arrivals: Arrivals;
  resolver: Resolver;
  builder: Builder;
  deployer: Deployer;
  statuses: Statuses;
  /** Who somebody is, and what they may do. */
  access: Access;
  projects: Projects;
  hookRegistration: HookRegistration;
  builds: BuildStore;
  deployments: DeploymentStore;
  buildLogs: BuildLogs;
  balance: Balance;
  cancellations: Stores['cancellations'];
  discovery: ProjectDiscovery;
  /** Opens the counters of one limit of the API. */
  rateLimits: Stores['rateLimits'];
  /** What Ekiden makes for itself, such as the secret of hooks where no setting gives one. */
  secrets: Stores['secrets'];
  queues: {
    arrivals: Queue<Arrival>;
    build: Queue<BuildWork>;
    deploy: Queue<DeployWork>;
    statuses: Queue<StatusWork>;
  };
  report: Report;
  /** Id for a build: not to be guessed, since its page is reached by it. */
  newBuildId(): string;
  /** Whether the manifest sends a tag anywhere, if that is known in time. */
  takesTag(commit: TaggedCommit): Promise<boolean | undefined>;
  /** Looks at a head that no hook told of, after its hook has had time to come. */
  lookAgain(event: JourneyEvent & { type: 'head.moved' }): Promise<void>;
  /** The priority of a build among those that wait, smaller first. */
  priority(build: string): Promise<number>;
  /** Records the deployments of an image and makes their apps follow them; answers their ids. */
  requestDeployments(build: string): Promise<string[]>;
  removeApps(arrival: RefDeleted): Promise<void>;
  /** Takes down the apps of services that the deployed commit no longer has. */
  removeLeftServices(deployment: string): Promise<void>;
  /** Queues what the spool holds. */
  drainSpool(): Promise<number>;
  /** True when Redis answers. */
  isReady(): Promise<boolean>;
  /** How each part is that Ekiden relies on. */
  readiness(): Promise<Readiness>;
  close(): Promise<void>;
}

/** A hook is to be answered within 50 ms; the question about a tag may take this much of it. */
const tagPatience = 30;

/** How long the hook of a newer commit may take before the head is looked at without it. */
const hookPatience = 3_000;

/** Connects the parts; nothing is asked of them before it is needed. */
export function createEkiden(config: ReadyConfig, log: Log): Ekiden {
  const stores = createStores({ config, log, redis: connectRedis });
  const clients = {
    gitlab: createGitLab({ url: config.gitlabUrl, token: config.gitlabToken }),
    docker: connectDocker(config.dockerHost),
    marathon: createMarathon({ addresses: config.marathonUrl, log }),
  };
  const parts: Parts = { config, log, stores, ...clients };
  const statuses = createStatuses({ ...parts, ...stores, queue: stores.queues.statuses });

  return {
    ...stores,
    config,
    log,
    version: packageVersion,
    templates: templatesFolder,
    statuses,
    ...createLegs(parts),
    ...createDoor(parts),
    balance: createBalance({ ...parts, balancers: stores.balancers }),
    discovery: createProjectDiscovery({
      ...clients,
      install: config.install,
      templates: join(templatesFolder, 'nginx'),
    }),
    readiness: createReadiness(checksOf(parts), ['redis']),
    report: createReport({ ...stores, statuses, url: config.url }),
    newBuildId,
    takesTag: (commit) =>
      takesTagAt({ ...clients, tagRules: stores.tagRules, within: tagPatience }, commit),
    async lookAgain({ project, ref, before, sha, ...event }) {
      const build = newBuildId();
      const now = { receivedAt: Date.now(), acceptedAt: Date.now() };
      await stores.queues.arrivals.add(
        { type: 'push.received', cause: 'reconcile', build, project, ref, before, sha, ...now },
        { id: `look-${event.build}`, delay: hookPatience },
      );
    },
    async priority(id) {
      const build = await stores.builds.find(id);
      return build ? priorityOf(build) : 0;
    },
    requestDeployments: (build) => requestDeployments(stores, build),
    async removeApps(arrival) {
      await removeAppsOf({ ...parts, ...stores, install: config.install }, arrival);
    },
    async removeLeftServices(deployment) {
      await removeLeftServices({ ...parts, ...stores, install: config.install }, deployment);
    },
    async close() {
      await clients.marathon.close();
      await stores.close();
    },
  };
}

interface Parts {
  config: ReadyConfig;
  log: Log;
  stores: Stores;
  gitlab: GitLab;
  docker: Docker;
  marathon: Marathon;
}

function createLegs({ config, stores, gitlab, docker, marathon }: Parts) {
  const { builds, heads, cancellations, locks, balancers } = stores;
  const { install, domain } = config;
  const buildLogs = createBuildLogs(join(config.data, 'builds'));
  const resolver = createResolver({
    ...{ gitlab, builds, heads, tagRules: stores.tagRules },
    templates: createTemplates(join(templatesFolder, 'dockerfiles')),
    deadline: config.deployDeadline,
    cancel: cancellations.publish,
  });
  const connection = { url: config.gitlabUrl, token: config.gitlabToken };
  const variables = createVariables({
    gitlab: createGitLabVariables(connection),
    releases: stores.releases,
  });
  const builder = createBuilder({
    ...{ gitlab, docker, builds, heads, install, logs: buildLogs },
    secretsOf: variables.secretsOf,
    registry: config.registryUrl,
    args: config.buildArgs,
    timeout: config.buildTimeout,
  });
  const deployer = createDeployer({
    ...{ marathon, install, domain },
    environmentOf: variables.environmentOf,
    deployments: stores.deployments,
    releases: stores.releases,
    exclusively: locks.exclusively,
    isRouted: balancers.isRouted,
    urlOf: (address) => urlOfAddress(address, addressOf(config.nginxListen).port),
  });
  return { buildLogs, resolver, builder, deployer };
}

/** Who may come in, and how GitLab's deliveries do. */
function createDoor({ config, stores, gitlab }: Parts) {
  const connection = { url: config.gitlabUrl, token: config.gitlabToken };
  const { sessions, tickets, secrets } = stores;
  return {
    access: createAccess({
      ...{ sessions, tickets, serviceToken: config.gitlabToken },
      people: createGitLabPeople(connection),
    }),
    projects: createProjects({ gitlab }),
    hookRegistration: createHookRegistration({
      hooks: createGitLabHooks(connection),
      url: config.url,
      secret: async () => config.hookSecret ?? secrets.get('hook'),
      signingToken: config.signingToken,
    }),
  };
}

function newBuildId(): string {
  return randomBytes(12).toString('hex');
}
