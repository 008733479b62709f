/** Puts Ekiden together: the only place where its parts meet. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { type Balance, createBalance } from './balance.ts';
import type { Builder } from './build/builder.ts';
import type { BuildLogs } from './build/log/build-log.ts';
import type { BuildRequests } from './build/requests.ts';
import type { Resolver } from './build/resolve.ts';
import { type TaggedCommit, takesTagAt } from './build/tag-rule.ts';
import { admissionOf, capBuilds } from './build-host.ts';
import type { BuildLine } from './build-line.ts';
import { type BuildLogReader, createBuildLogReader } from './build-log-reader.ts';
import { type BuildRoom, createBuildRoom } from './build-room.ts';
import { type Cleaning, createCleaning } from './cleaning.ts';
import { connectDocker } from './clients/docker.ts';
import { isInsecure } from './clients/docker-registries.ts';
import { createGitLab } from './clients/gitlab.ts';
import { createMarathon } from './clients/marathon.ts';
import { createNodeClient } from './clients/node.ts';
import { connectRedis } from './clients/redis.ts';
import { createRegistry } from './clients/registry.ts';
import { gitlabConnection } from './config.ts';
import type { Access, Projects } from './core/access.ts';
import type { Arrivals } from './core/arrival.ts';
import type { BuildStore } from './core/build.ts';
import type { DeploymentStore } from './core/deployment.ts';
import type { Arrival, HandOn, JourneyEvent, RefDeleted } from './core/event.ts';
import type { Fragments } from './core/fragment.ts';
import type { Log } from './core/log.ts';
import type { LogFiles } from './core/log-file.ts';
import type { ProjectStore } from './core/project.ts';
import type { Queue } from './core/queue.ts';
import type { Metrics } from './core/sample.ts';
import type { Deployer } from './deploy/deployer.ts';
import type { Operations } from './deploy/operations.ts';
import type { Services } from './deploy/services.ts';
import { createProjectDiscovery, type ProjectDiscovery } from './discovery/index.ts';
import { createDockerfiles, type Dockerfiles } from './dockerfiles.ts';
import { createDoor } from './door.ts';
import type { HookRegistration } from './gitlab/hook-registration.ts';
import type { Report } from './gitlab/report.ts';
import type { Statuses, StatusWork } from './gitlab/statuses.ts';
import { createLegs, createSteps } from './legs.ts';
import { createLostDeployments, type LostDeployments } from './lost-deployments.ts';
import { createNode, type Node } from './node.ts';
import { type Parts, type ReadyConfig, registryLoginOf } from './parts.ts';
import { packageVersion, templatesFolder } from './paths.ts';
import { checksOf, createReadiness, type Readiness } from './readiness.ts';
import { createRelay } from './relay.ts';
import { createRequests } from './requests.ts';
import { createStores, type Stores } from './stores/index.ts';
import { createTelling } from './telling.ts';

export type { ReadyConfig } from './parts.ts';

export interface BuildWork {
  build: string;
}

export interface DeployWork {
  deployment: string;
}

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
  /** Dockerfiles with what they include, also for who only wants to see it. */
  dockerfiles: Dockerfiles;
  /** The platform's fragments, and who uses them. */
  fragments: Fragments;
  /** Projects that were pushed to, those with the newest activity first. */
  knownProjects: ProjectStore;
  /** What is known of services now. */
  services: Services;
  /** What people do to services. */
  operations: Operations;
  /** What people ask of builds. */
  buildRequests: BuildRequests;
  buildLogs: BuildLogs;
  buildLogStore: Stores['buildLogStore'];
  buildLogReader: BuildLogReader;
  balance: Balance;
  /** What this host knows of its own instances. */
  node: Node;
  /** Of all nodes. */
  logFiles: LogFiles;
  metrics: Metrics;
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
  /** Id for a build; links in GitLab's statuses hold it, so it names nothing else, ever. */
  newBuildId(): string;
  /** Whether the manifest sends a tag anywhere, if that is known in time. */
  takesTag(commit: TaggedCommit): Promise<boolean | undefined>;
  /** Looks at a head that no hook told of, after its hook has had time to come. */
  lookAgain(event: JourneyEvent & { type: 'head.moved' }): Promise<void>;
  /** Deployments that nobody would go on with. */
  lostDeployments: LostDeployments;
  /** Builds that wait, and whose turn is next. */
  buildLine: BuildLine;
  /** Whether this host has room for builds. */
  buildRoom: BuildRoom;
  /** Limits all builds of this host together, where BuildKit heeds no limits of one. */
  capBuilds(): Promise<void>;
  /** Takes away images and tags that no release needs. */
  cleaning: Cleaning;
  /** Records the deployments of an image and makes their apps follow them; answers their ids. */
  requestDeployments(build: string): Promise<string[]>;
  /** Records which fragments a successful build took. */
  noteFragments(build: string): Promise<void>;
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

/** Connects the parts; nothing is asked of them before it is needed. */
export function createEkiden(config: ReadyConfig, log: Log): Ekiden {
  const stores = createStores({ config, log, redis: connectRedis });
  const clients = createClients(config, log);
  const parts: Parts = { config, log, stores, ...clients };
  const nodes = createNodeClient({ ...stores, log, secret: () => stores.secrets.get('node') });
  const door = createDoor(parts);
  const dockerfiles = createDockerfiles(parts, door.access);
  const handOn: HandOn = (event) => createRelay(ekiden).handOn(event);

  const cleaning = createCleaning(parts);
  const buildRoom = createBuildRoom({ admission: admissionOf({ ...parts, ...cleaning }), log });

  const ekiden: Ekiden = {
    ...stores,
    config,
    log,
    version: packageVersion,
    templates: templatesFolder,
    ...createTelling({ ...parts, buildRoom }),
    capBuilds: () => capBuilds(parts),
    ...{ cleaning, buildRoom, lostDeployments: createLostDeployments(parts) },
    ...createLegs({ ...parts, buildRoom }, dockerfiles),
    ...door,
    dockerfiles,
    ...createRequests(parts, handOn),
    balance: createBalance({ ...parts, balancers: stores.balancers }),
    node: createNode({ ...parts, ...stores }),
    logFiles: nodes.logFiles,
    metrics: nodes.metrics,
    discovery: createProjectDiscovery({
      ...clients,
      install: config.install,
      templates: join(templatesFolder, 'nginx'),
    }),
    buildLogReader: createBuildLogReader(stores),
    readiness: createReadiness(checksOf(parts), ['redis']),
    newBuildId,
    takesTag: (commit) =>
      takesTagAt({ ...clients, tagRules: stores.tagRules, within: tagPatience }, commit),
    ...createSteps(parts, newBuildId),
    close: () => closeAll([clients.marathon, clients.registry, nodes, stores]),
  };
  return ekiden;
}

/** One after the other, the stores last: what still runs may write to them. */
async function closeAll(parts: { close(): Promise<void> }[]): Promise<void> {
  for (const part of parts) await part.close();
}

function createClients(config: ReadyConfig, log: Log) {
  // A connection that was kept open may hang a later build with BuildKit (docker-modem#196).
  const docker = connectDocker(config.dockerHost, { keepAlive: false });
  const login = registryLoginOf(config);
  const registry = createRegistry({
    ...(login ? { logins: { [config.registryUrl.split('/', 1)[0] ?? '']: login } } : {}),
    isPlain: (host) => isInsecure(docker, host),
    ...(config.gitlabCa ? { ca: [...rootCertificates, config.gitlabCa.pem] } : {}),
  });
  return {
    docker,
    registry,
    gitlab: createGitLab(gitlabConnection(config)),
    marathon: createMarathon({ addresses: config.marathonUrl, log }),
  };
}

function newBuildId(): string {
  // Node draws UUIDs in stock, while random bytes of one's own cost a call of the system each.
  return randomUUID().replaceAll('-', '').slice(0, 24);
}
