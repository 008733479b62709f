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
import type { CatchingUp } from './catching-up.ts';
import { type Cleaning, createCleaning } from './cleaning.ts';
import { connectDocker } from './clients/docker.ts';
import { isInsecure } from './clients/docker-registries.ts';
import { createGitLab } from './clients/gitlab.ts';
import { createNodeClient } from './clients/node.ts';
import { connectRedis } from './clients/redis.ts';
import { createRegistry } from './clients/registry.ts';
import { gitlabConnection } from './config.ts';
import type { Access, Projects } from './core/access.ts';
import type { Arrivals } from './core/arrival.ts';
import type { BuildStore } from './core/build.ts';
import type { DataCentreReports } from './core/data-centre.ts';
import type { DeploymentStore } from './core/deployment.ts';
import type { Arrival, HandOn, JourneyEvent, RefDeleted } from './core/event.ts';
import type { EvidenceStore } from './core/evidence.ts';
import type { Fragments } from './core/fragment.ts';
import type { DueWork } from './core/job.ts';
import type { Log } from './core/log.ts';
import type { LogFiles } from './core/log-file.ts';
import type { Witness } from './core/node.ts';
import type { AppIds, ProjectStore } from './core/project.ts';
import type { Queue } from './core/queue.ts';
import type { ReleaseHistory } from './core/release-history.ts';
import type { Metrics } from './core/sample.ts';
import { createDataCentreReports, openDataCentres } from './data-centres.ts';
import type { Deployer } from './deploy/deployer.ts';
import type { Operations } from './deploy/operations/operations.ts';
import type { Switches } from './deploy/operations/switches.ts';
import type { Services } from './deploy/services/services.ts';
import { createProjectDiscovery, type ProjectDiscovery } from './discovery/index.ts';
import { createDockerfiles, type Dockerfiles } from './dockerfiles.ts';
import { createDoor } from './door.ts';
import { createDiagnosing, type Diagnosing } from './failures.ts';
import type { HookRegistration } from './gitlab/hook-registration.ts';
import type { Report } from './gitlab/report.ts';
import type { Statuses, StatusWork } from './gitlab/statuses.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createLegs, createSteps } from './legs.ts';
import { createLostDeployments, type LostDeployments } from './lost-deployments.ts';
import { createNode, type Node } from './node.ts';
import { type Parts, type ReadyConfig, registryLoginOf } from './parts.ts';
import { packageVersion, templatesFolder } from './paths.ts';
import { createPendingRemovals, type PendingRemovalsWork } from './pending-removals.ts';
import { checksOf, createReadiness, type Readiness } from './readiness.ts';
import { createRelay } from './relay.ts';
import { createRequests } from './requests.ts';
import { createStores, type Stores } from './stores/index.ts';
import { createTelling } from './telling.ts';
import type { WaitingWords } from './waiting-words.ts';

export type { ReadyConfig } from './parts.ts';

export interface BuildWork {
  build: string;
}

export interface DeployWork {
  deployment: string;
}

export interface JobWork {
  job: string;
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
  /** Which app in Marathon a service is. */
  appIds: AppIds;
  /** What is known of services now. */
  services: Services;
  /** Releases of environments, and what a deployment would change. */
  releaseHistory: ReleaseHistory;
  /** What people do to services. */
  operations: Operations;
  /** How each data centre is. */
  dataCentreReports: DataCentreReports;
  /** What people switch for environments. */
  switches: Switches;
  /** Commands that run once in the image of a release. */
  jobs: Jobs;
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
  witness: Witness;
  /** What failed instances left behind. */
  evidence: EvidenceStore;
  explainer: Diagnosing['explainer'];
  /** Keeps the evidence of all that fails, in one of the processes that call it. */
  followFailures: Diagnosing['followFailures'];
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
    jobs: Queue<JobWork>;
    due: Queue<DueWork>;
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
  /** Removals that wait for a data centre. */
  pendingRemovals: PendingRemovalsWork;
  /** Releases that did not reach a data centre which was away. */
  catchingUp: CatchingUp;
  /** Builds that wait, and whose turn is next. */
  buildLine: BuildLine;
  /** Deployments of which GitLab is told why they wait. */
  waitingWords: WaitingWords;
  /** Whether this host has room for builds. */
  buildRoom: BuildRoom;
  /** Limits all builds of this host together, where BuildKit heeds no limits of one. */
  capBuilds(): Promise<void>;
  /** Takes away images and tags that no release needs. */
  cleaning: Cleaning;
  /** Records the deployments of an image and makes their apps follow them; answers what to hand on. */
  requestDeployments(build: string): Promise<JourneyEvent[]>;
  /** Records which fragments a successful build took. */
  noteFragments(build: string): Promise<void>;
  /** Takes down what follows a ref that is gone; answers what to hand on. */
  removeApps(arrival: RefDeleted): Promise<JourneyEvent[]>;
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
  const diagnosing = createDiagnosing(parts, nodes);
  const door = createDoor(parts);
  const dockerfiles = createDockerfiles(parts, door.access);
  const handOn: HandOn = (event) => createRelay(ekiden).handOn(event);

  const cleaning = createCleaning(parts);
  const jobs = createJobs({ ...parts, nodes });
  const buildRoom = createBuildRoom({ admission: admissionOf({ ...parts, ...cleaning }), log });

  const steps: ReturnType<typeof createSteps> = createSteps({ ...parts, jobs }, newBuildId);

  const ekiden: Ekiden = {
    ...{ ...stores, config, log },
    version: packageVersion,
    templates: templatesFolder,
    ...createTelling({ ...parts, buildRoom }),
    capBuilds: () => capBuilds(parts),
    ...{ cleaning, buildRoom, jobs, ...diagnosing },
    lostDeployments: createLostDeployments(parts),
    pendingRemovals: createPendingRemovals({ ...parts, ...stores }),
    ...createLegs({ ...parts, buildRoom, jobs, ...diagnosing }, dockerfiles),
    ...door,
    dockerfiles,
    ...createRequests({ ...parts, jobs, ...diagnosing }, handOn),
    balance: createBalance({ ...parts, ...stores }),
    node: createNode({ ...parts, ...stores }),
    ...{ logFiles: nodes.logFiles, metrics: nodes.metrics, witness: nodes.witness },
    ...viewsOf(parts),
    buildLogReader: createBuildLogReader(stores),
    readiness: createReadiness(checksOf(parts), ['redis']),
    newBuildId,
    takesTag: (commit) =>
      takesTagAt({ ...clients, tagRules: stores.tagRules, within: tagPatience }, commit),
    ...steps,
    close: () => closeAll([clients.dataCentres, clients.registry, nodes, stores]),
  };
  return ekiden;
}

function viewsOf({ config: { install }, stores, dataCentres }: Parts) {
  const { traffic, balancers } = stores;
  const templates = join(templatesFolder, 'nginx');
  return {
    discovery: createProjectDiscovery({ dataCentres, install, traffic, templates }),
    dataCentreReports: createDataCentreReports({ dataCentres, balancers, install }),
  };
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
  const dataCentres = openDataCentres(config, log);
  return {
    docker,
    registry,
    gitlab: createGitLab(gitlabConnection(config)),
    dataCentres,
  };
}

function newBuildId(): string {
  // Node draws UUIDs in stock, while random bytes of one's own cost a call of the system each.
  return randomUUID().replaceAll('-', '').slice(0, 24);
}
