/** Puts the legs of the journey together, and the steps between them. */
import { openArchives } from './archives.ts';
import { createBuilder } from './build/builder.ts';
import { createFragments } from './build/fragments.ts';
import { createBuildLogs } from './build/log/build-log.ts';
import { createResolver } from './build/resolve.ts';
import { limitsOf } from './build-host.ts';
import type { BuildRoom } from './build-room.ts';
import { createGitLabVariables } from './clients/gitlab-variables.ts';
import { gitlabConnection } from './config.ts';
import type { JourneyEvent, RefDeleted } from './core/event.ts';
import { useOf } from './core/fragment.ts';
import { createDeployer } from './deploy/deployer.ts';
import { removeAppsOf, removeLeftServices } from './deploy/removal.ts';
import { requestDeployments } from './deploy/request.ts';
import type { Dockerfiles } from './dockerfiles.ts';
import { createVariables } from './gitlab/variables.ts';
import { type Parts, registryLoginOf, urlMaker } from './parts.ts';
import { isUnderWay } from './under-way.ts';

export function createLegs(
  {
    config,
    stores,
    gitlab,
    docker,
    registry,
    marathon,
    log,
    buildRoom,
  }: Parts & { buildRoom: BuildRoom },
  { templates, expand, actors }: Dockerfiles,
) {
  const { builds, heads, cancellations, locks, balancers } = stores;
  const { install, domain } = config;
  const buildLogs = createBuildLogs(stores.buildLogStore);
  const resolver = createResolver({
    ...{ gitlab, builds, heads, expand, logs: buildLogs, tagRules: stores.tagRules },
    projects: stores.knownProjects,
    actorOf: actors.ofUser,
    limits: { instances: config.maxInstances, memory: config.maxMemory },
    deadline: config.deployDeadline,
    cancel: cancellations.publish,
    isUnderWay: (build) => isUnderWay(stores.queues, build),
  });
  const connection = gitlabConnection(config);
  const variables = createVariables({
    gitlab: createGitLabVariables(connection),
    releases: stores.releases,
  });
  const login = registryLoginOf(config);
  const builder = createBuilder({
    ...{ gitlab, docker, builds, heads, install, logs: buildLogs },
    secretsOf: variables.secretsOf,
    registry: config.registryUrl,
    registryClient: registry,
    archives: openArchives({ config, stores, gitlab, log }),
    exclusively: locks.exclusively,
    builder: config.builder,
    ...(login ? { registryLogin: login } : {}),
    args: config.buildArgs,
    timeout: config.buildTimeout,
    limits: limitsOf(config),
    admit: buildRoom.admit,
  });
  const deployer = createDeployer({
    ...{ marathon, install, domain },
    environmentOf: variables.environmentOf,
    deployments: stores.deployments,
    releases: stores.releases,
    scales: stores.scales,
    exclusively: locks.exclusively,
    isRouted: balancers.isRouted,
    urlOf: urlMaker(config),
  });
  const fragments = createFragments({ templates, uses: stores.fragmentUses });
  return { buildLogs, resolver, builder, deployer, fragments };
}

/** How long the hook of a newer commit may take before the head is looked at without it. */
const hookPatience = 3_000;

/** The small steps that the relay takes between the legs. */
export function createSteps(parts: Parts, newBuildId: () => string) {
  const { config, stores } = parts;
  const removal = { ...parts, ...stores, install: config.install };

  return {
    async lookAgain({ project, ref, before, sha, ...event }: HeadMoved) {
      const build = newBuildId();
      const now = { receivedAt: Date.now(), acceptedAt: Date.now() };
      await stores.queues.arrivals.add(
        { type: 'push.received', cause: 'reconcile', build, project, ref, before, sha, ...now },
        { id: `look-${event.build}`, delay: hookPatience },
      );
    },
    requestDeployments: (build: string) => requestDeployments(stores, build),
    async noteFragments(id: string) {
      const build = await stores.builds.find(id);
      if (build) await stores.fragmentUses.note(useOf(build, Date.now()));
    },
    async removeApps(arrival: RefDeleted) {
      await removeAppsOf(removal, arrival);
      const { project, ref } = arrival;
      // The resolver has given up the head only where GitLab shows the ref no more.
      if (!(await stores.heads.current(project, ref)))
        await stores.fragmentUses.forget(project, ref);
    },
    async removeLeftServices(deployment: string) {
      await removeLeftServices(removal, deployment);
    },
  };
}

type HeadMoved = JourneyEvent & { type: 'head.moved' };
